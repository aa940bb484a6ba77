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
package org.tilekv.engine;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One member's connections to the other members of its cell. Messages from one member to another
 * come in the order in which they were sent. Used by one thread at a time, but for {@link #close}
 * and {@link #bytesSent}.
 */
public interface CellLink extends AutoCloseable {

  /** This member, from 0; member 0 leads. */
  int rank();

  /** Members of the cell. */
  int size();

  /**
   * Sends what stands between position and limit of a message; it may be used again at once.
   *
   * @throws CellException where the member is gone
   */
  void send(int to, ByteBuffer message);

  /**
   * The next message of a member, little-endian; valid until the next one of that member is asked
   * for.
   *
   * @return null where none came within the time
   * @throws CellException where the member is gone or this link was closed
   */
  @Nullable ByteBuffer poll(int from, long waitMs);

  /**
   * As {@link #poll}, for a message that is due.
   *
   * @throws CellException also where none came within the cell's time limit
   */
  ByteBuffer receive(int from);

  /** Bytes of all messages sent so far. */
  long bytesSent();

  /** Ends the connections; the other members see this one go. */
  @Override
  void close();
}
