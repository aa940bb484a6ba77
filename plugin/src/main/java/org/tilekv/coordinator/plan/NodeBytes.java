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
package org.tilekv.coordinator.plan;

import java.util.Arrays;

/**
 * Numbers one after another in bytes: names in eight bytes, small numbers in as many groups of
 * seven bits as they need. Confined to one thread.
 */
final class NodeBytes {

  private static final int VARINT_MORE = 0x80;

  private byte[] bytes;
  private int at;

  /** For writing. */
  NodeBytes() {
    this(new byte[64]);
  }

  /** For reading. */
  NodeBytes(byte[] bytes) {
    this.bytes = bytes;
  }

  boolean hasMore() {
    return at < bytes.length;
  }

  /** What was written. */
  byte[] toByteArray() {
    return Arrays.copyOf(bytes, at);
  }

  void writeName(long name) {
    ensure(Long.BYTES);
    for (int shift = Long.SIZE - Byte.SIZE; shift >= 0; shift -= Byte.SIZE) {
      bytes[at++] = (byte) (name >>> shift);
    }
  }

  long readName() {
    long name = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      name = name << Byte.SIZE | bytes[at++] & 0xFF;
    }
    return name;
  }

  /** Writes a number that is not negative. */
  void writeNumber(long number) {
    ensure(10);
    long rest = number;
    while (rest >= VARINT_MORE) {
      bytes[at++] = (byte) (rest | VARINT_MORE);
      rest >>>= 7;
    }
    bytes[at++] = (byte) rest;
  }

  long readNumber() {
    long number = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = bytes[at++];
      number |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return number;
      }
    }
  }

  int readInt() {
    return Math.toIntExact(readNumber());
  }

  private void ensure(int more) {
    if (bytes.length - at < more) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, at + more));
    }
  }
}
