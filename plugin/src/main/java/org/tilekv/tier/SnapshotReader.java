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
import java.io.InputStream;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.tilekv.tier.SnapshotException.Reason;

/**
 * Reads a snapshot, group by group; each is verified before it is handed out. What comes after the
 * first doubt is refused with {@link SnapshotException}. The stream is the caller's. For one
 * thread.
 */
public final class SnapshotReader {
  private final InputStream in;
  private final String where;
  private final SnapshotHeader header;
  private final int seed;
  private final ByteBuffer record;
  private final ByteBuffer bytes;
  private long groups;

  /**
   * Reads the header.
   *
   * @param where what to call the file in messages
   */
  public SnapshotReader(InputStream in, String where) throws IOException {
    this.in = in;
    this.where = where;
    header = SnapshotHeader.read(in, where);
    ByteBuffer encoded = header.encode();
    seed = encoded.getInt(encoded.limit() - 4);
    record = SnapshotHeader.littleEndian(SnapshotWriter.recordBytes(header));
    bytes = ByteBuffer.allocate(header.groupBytes());
  }

  public SnapshotHeader header() {
    return header;
  }

  /** The next group, whose {@link #bytes} can be read then; null at the end. */
  public @Nullable GroupMeta next() throws IOException {
    ByteBuffer marker = SnapshotHeader.littleEndian(4);
    SnapshotHeader.readFully(in, marker, where);
    int kind = marker.getInt();
    if (kind == SnapshotWriter.END) {
      readFooter();
      return null;
    }
    if (kind != SnapshotWriter.GROUP) {
      throw new SnapshotException(Reason.CORRUPT, where + " is damaged after tile " + groups);
    }
    return readGroup();
  }

  private GroupMeta readGroup() throws IOException {
    ByteBuffer rest = SnapshotHeader.littleEndian(record.capacity() - 4);
    SnapshotHeader.readFully(in, rest, where);
    record.clear().putInt(SnapshotWriter.GROUP).put(rest).rewind();
    int checksumAt = record.capacity() - 4;
    if (record.getInt(checksumAt) != SnapshotWriter.checksum(seed, record.slice(0, checksumAt))) {
      throw SnapshotHeader.corrupt(where, "tile " + groups);
    }
    byte[] chain = new byte[GroupKey.HASH_BYTES];
    byte[] parent = new byte[GroupKey.HASH_BYTES];
    record.position(4).get(chain).get(parent);
    int[] tokens = new int[header.geometry().tileTokens()];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = record.getInt();
    }
    int crc = record.getInt();
    SnapshotHeader.readFully(in, bytes, where);
    if (crc != SnapshotHeader.crc(bytes.duplicate())) {
      throw SnapshotHeader.corrupt(where, "tile " + groups);
    }
    groups++;
    return new GroupMeta(chain, parent, tokens);
  }

  private void readFooter() throws IOException {
    ByteBuffer rest = SnapshotHeader.littleEndian(12);
    SnapshotHeader.readFully(in, rest, where);
    ByteBuffer footer = SnapshotHeader.littleEndian(12);
    footer.putInt(SnapshotWriter.END).putLong(rest.getLong(0)).flip();
    if (rest.getInt(8) != SnapshotWriter.checksum(seed, footer) || rest.getLong(0) != groups) {
      throw SnapshotHeader.corrupt(where, "end");
    }
  }

  /** Bytes of the group that was read last; valid until the next one. */
  public ByteBuffer bytes() {
    return bytes.duplicate().clear();
  }
}
