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
package org.tilekv.llm;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The mapped bytes of one tensor. All buffers are {@link SafetensorsFile#PIECE_BYTES} long but the
 * last; they are little-endian and read by absolute index only.
 *
 * @param pieces consecutive parts
 * @param length bytes in all
 * @param closed set when the checkpoint is closed
 */
record TensorBytes(ByteBuffer[] pieces, long length, AtomicBoolean closed) {

  /** The buffer that holds byte {@code at}, at index {@link #index}. */
  ByteBuffer piece(long at) {
    if (closed.get()) {
      throw new IllegalStateException("the checkpoint is closed");
    }
    return pieces[(int) (at / SafetensorsFile.PIECE_BYTES)];
  }

  /** Index of byte {@code at} in its buffer. */
  static int index(long at) {
    return (int) (at % SafetensorsFile.PIECE_BYTES);
  }

  /** Bytes of {@code [at, end)} that lie in the buffer of {@code at}. */
  static int run(long at, long end) {
    return (int) Math.min(end - at, SafetensorsFile.PIECE_BYTES - index(at));
  }
}
