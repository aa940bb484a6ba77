/*
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package org.tilekv.spark;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.tilekv.coordinator.Peer;

/** How other executors are asked; a seam for tests. */
@FunctionalInterface
interface PeerLink {

  /**
   * Sends a message and waits for its answer, within a bound.
   *
   * @throws IOException where none came: the other one is gone, slow, or refuses us
   */
  ByteBuffer ask(Peer peer, ByteBuffer message) throws IOException, InterruptedException;
}
