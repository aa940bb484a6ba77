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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** Writes fields of one message, big-endian. Confined to one call. */
final class MessageWriter {

  private ByteBuffer out = ByteBuffer.allocate(512);

  private ByteBuffer room(int bytes) {
    if (out.remaining() < bytes) {
      int capacity = Math.max(2 * out.capacity(), out.position() + bytes);
      out = ByteBuffer.allocate(capacity).put(out.flip());
    }
    return out;
  }

  MessageWriter writeByte(int value) {
    room(1).put((byte) value);
    return this;
  }

  MessageWriter writeInt(int value) {
    room(Integer.BYTES).putInt(value);
    return this;
  }

  MessageWriter writeLong(long value) {
    room(Long.BYTES).putLong(value);
    return this;
  }

  MessageWriter writeBoolean(boolean value) {
    return writeByte(value ? 1 : 0);
  }

  /** At most {@link Fields#MAX_TEXT_CHARS} characters, which always fit the two length bytes. */
  MessageWriter writeString(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    room(Short.BYTES + utf8.length).putShort((short) utf8.length).put(utf8);
    return this;
  }

  MessageWriter writeEnum(Enum<?> constant) {
    return writeByte(constant.ordinal());
  }

  MessageWriter writeShort(int value) {
    room(Short.BYTES).putShort((short) value);
    return this;
  }

  MessageWriter writePeers(List<Peer> peers) {
    writeInt(peers.size());
    peers.forEach(p -> writeString(p.executorId()).writeString(p.host()).writeInt(p.port()));
    return this;
  }

  MessageWriter writeTileNames(TileNames names) {
    room(Integer.BYTES + names.size() * Long.BYTES).putInt(names.size());
    for (int i = 0; i < names.size(); i++) {
      out.putLong(names.get(i));
    }
    return this;
  }

  MessageWriter writeStats(ExecutorStats stats) {
    for (long number : stats.toArray()) {
      writeLong(number);
    }
    return this;
  }

  /** Writes the number of bytes behind {@code position + 4} there. */
  void writeLengthAt(int position) {
    out.putInt(position, out.position() - position - Integer.BYTES);
  }

  byte[] toByteArray() {
    return Arrays.copyOf(out.array(), out.position());
  }
}
