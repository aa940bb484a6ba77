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
package org.tilekv.tier;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** An open file of a {@link TierStorage}. Reads and writes may run in parallel. */
public interface TierFile extends Closeable {

  /** Fills what remains of {@code dst} from a position in the file, or fails. */
  void read(ByteBuffer dst, long position) throws IOException;

  /** Writes all that remains of {@code src} to a position in the file, or fails. */
  void write(ByteBuffer src, long position) throws IOException;

  long size() throws IOException;

  /** Makes everything written so far durable. */
  void force() throws IOException;

  /** Locks the file against every other opener; false where another holds it. Ends with close. */
  boolean tryLock() throws IOException;

  @Override
  void close() throws IOException;
}
