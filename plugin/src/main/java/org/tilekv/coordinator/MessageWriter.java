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

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Writes fields of one message, big-endian. Confined to one call. */
final class MessageWriter {

  /** A write to memory, which does not fail. */
  @FunctionalInterface
  private interface Write {
    void run(DataOutputStream out) throws IOException;
  }

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
  private final DataOutputStream out = new DataOutputStream(bytes);

  private MessageWriter write(Write field) {
    try {
      field.run(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  MessageWriter writeByte(int value) {
    return write(o -> o.writeByte(value));
  }

  MessageWriter writeInt(int value) {
    return write(o -> o.writeInt(value));
  }

  MessageWriter writeLong(long value) {
    return write(o -> o.writeLong(value));
  }

  MessageWriter writeBoolean(boolean value) {
    return writeByte(value ? 1 : 0);
  }

  /** At most {@link Fields#MAX_TEXT_CHARS} characters, which always fit the two length bytes. */
  MessageWriter writeString(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return write(
        o -> {
          o.writeShort(utf8.length);
          o.write(utf8);
        });
  }

  MessageWriter writeEnum(Enum<?> constant) {
    return writeByte(constant.ordinal());
  }

  MessageWriter writeShort(int value) {
    return write(o -> o.writeShort(value));
  }

  MessageWriter writePeers(List<Peer> peers) {
    writeInt(peers.size());
    peers.forEach(p -> writeString(p.executorId()).writeString(p.host()).writeInt(p.port()));
    return this;
  }

  MessageWriter writeTileNames(TileNames names) {
    writeInt(names.size());
    for (int i = 0; i < names.size(); i++) {
      writeLong(names.get(i));
    }
    return this;
  }

  MessageWriter writeStats(ExecutorStats stats) {
    for (long number : stats.toArray()) {
      writeLong(number);
    }
    return this;
  }

  byte[] toByteArray() {
    return bytes.toByteArray();
  }
}
