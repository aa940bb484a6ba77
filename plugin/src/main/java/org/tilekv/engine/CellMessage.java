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
import java.nio.ByteOrder;

/** A message under construction; grows, and is used again. Little-endian. */
final class CellMessage {

  private ByteBuffer bytes = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);

  void clear() {
    bytes.clear();
  }

  private ByteBuffer room(int more) {
    if (bytes.remaining() < more) {
      int capacity = Math.max(2 * bytes.capacity(), bytes.position() + more);
      bytes = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(bytes.flip());
    }
    return bytes;
  }

  CellMessage put(byte value) {
    room(Byte.BYTES).put(value);
    return this;
  }

  CellMessage put(int value) {
    room(Integer.BYTES).putInt(value);
    return this;
  }

  CellMessage put(long value) {
    room(Long.BYTES).putLong(value);
    return this;
  }

  CellMessage put(int[] values, int from, int count) {
    ByteBuffer target = room(Math.multiplyExact(count, Integer.BYTES));
    for (int i = 0; i < count; i++) {
      target.putInt(values[from + i]);
    }
    return this;
  }

  /** Bytes behind their number. */
  CellMessage put(byte[] value) {
    put(value.length);
    room(value.length).put(value);
    return this;
  }

  /** What was put since the last {@link #clear}; put no more until then. */
  ByteBuffer finished() {
    return bytes.flip();
  }

  /** A count from the wire, before memory is taken for it. */
  private static int checked(String what, int count, int size, ByteBuffer from) {
    if (count < 0 || count > from.remaining() / size) {
      throw new CellException(
          "a message of another member says that %d %s follow; %d bytes remain"
              .formatted(count, what, from.remaining()));
    }
    return count;
  }

  /**
   * Reads what {@link #put(byte[])} wrote.
   *
   * @throws CellException where the message has fewer bytes than it says
   */
  static byte[] bytes(ByteBuffer from) {
    byte[] value = new byte[checked("bytes", from.getInt(), Byte.BYTES, from)];
    from.get(value);
    return value;
  }

  /**
   * Reads so many numbers.
   *
   * @throws CellException where the message has fewer
   */
  static int[] ints(ByteBuffer from, int count) {
    int[] values = new int[checked("numbers", count, Integer.BYTES, from)];
    for (int i = 0; i < count; i++) {
      values[i] = from.getInt();
    }
    return values;
  }
}
