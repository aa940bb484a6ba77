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

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Writes a snapshot: groups with parent and tokens, parents first. {@link #finish} ends it; without
 * it readers refuse the end. The stream is the caller's. For one thread.
 */
public final class SnapshotWriter {
  static final int GROUP = 0x50555247;
  static final int END = 0x21444e45;

  private final OutputStream out;
  private final SnapshotHeader header;
  private final int seed;
  private final ByteBuffer record;
  private final byte[] bytes;
  private long groups;

  /** Writes the header. */
  public SnapshotWriter(OutputStream out, SnapshotHeader header) throws IOException {
    this.out = out;
    this.header = header;
    ByteBuffer encoded = header.encode();
    seed = encoded.getInt(encoded.limit() - 4);
    record = SnapshotHeader.littleEndian(recordBytes(header));
    bytes = new byte[header.groupBytes()];
    out.write(encoded.array(), 0, encoded.limit());
  }

  static int recordBytes(SnapshotHeader header) {
    return 4 + 2 * GroupKey.HASH_BYTES + 4 * header.geometry().tileTokens() + 4 + 4;
  }

  /** Appends a group whose bytes are between the buffer's position and limit. */
  public void add(GroupMeta meta, ByteBuffer group) throws IOException {
    if (group.remaining() != bytes.length) {
      throw new IllegalArgumentException(
          group.remaining() + " bytes for a group of " + header.groupBytes());
    }
    group.get(bytes);
    record.clear().putInt(GROUP).put(meta.chainHash()).put(meta.parentHash());
    for (int token : meta.tokens()) {
      record.putInt(token);
    }
    record.putInt(SnapshotHeader.crc(ByteBuffer.wrap(bytes)));
    record.putInt(checksum(seed, record.slice(0, record.position())));
    out.write(record.array());
    out.write(bytes);
    groups++;
  }

  /** Checksum of a record, which ties it to its file. */
  static int checksum(int seed, ByteBuffer record) {
    CRC32C crc = new CRC32C();
    crc.update(SnapshotHeader.littleEndian(4).putInt(0, seed));
    crc.update(record);
    return (int) crc.getValue();
  }

  public long groups() {
    return groups;
  }

  /** Writes the footer. */
  public void finish() throws IOException {
    ByteBuffer footer = SnapshotHeader.littleEndian(16);
    footer.putInt(END).putLong(groups);
    footer.putInt(checksum(seed, footer.slice(0, 12)));
    out.write(footer.array());
  }
}
