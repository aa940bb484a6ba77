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
package org.tilekv;

import java.nio.ByteBuffer;

/** Where host memory comes from that bytes are copied to and from. */
public interface HostAllocator {

  /**
   * Direct memory of {@code bytes} bytes, at most 1 GiB, whose content does not matter. Throws
   * {@link OutOfMemoryError} where there is not enough.
   */
  ByteBuffer allocate(int bytes);

  /** Takes back what {@link #allocate} gave; called once per piece, after its last use. */
  void free(ByteBuffer memory);
}
