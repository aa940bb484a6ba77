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
package org.tilekv.coordinator;

import java.util.List;

/**
 * Executors that take over the shards of one that leaves.
 *
 * @param leaving whether the one who asked is about to leave; where not, it has nothing to hand
 *     over
 * @param peers where its tiles should go
 */
public record Successors(boolean leaving, List<Peer> peers) implements Message {

  /** Most executors that one message names. */
  static final int MAX_PEERS = 4096;

  public Successors {
    peers = List.copyOf(peers);
    Fields.requireAtMost("peers", peers.size(), MAX_PEERS);
  }
}
