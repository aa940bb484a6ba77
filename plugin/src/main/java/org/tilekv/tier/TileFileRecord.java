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

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** What stands before a tile's bytes (its name, length, checksum), and the footer of the file. */
final class TileFileRecord {
  static final int BYTES = 52;
  static final int FOOTER_BYTES = 32;
  static final int MARKER = 0x454c4954;
  static final int FOOTER_MARKER = 0x21444e45;

  static final int LENGTH_AT = 40;
  private static final int HEAD_AT = 36;
  private static final int DATA_CHECKSUM_AT = 44;
  static final int CHECKSUM_AT = 48;
  static final int FOOTER_CHECKSUM_AT = FOOTER_BYTES - Integer.BYTES;

  private TileFileRecord() {}

  static void encode(ByteBuffer out, TileKey key, ByteBuffer data, int headerChecksum) {
    out.clear();
    out.putInt(MARKER).put(key.chainHash()).putInt(key.head());
    out.putInt(data.remaining()).putInt(crc(data));
    out.putInt(checksum(out, CHECKSUM_AT, headerChecksum)).flip();
  }

  static TileKey key(ByteBuffer in) {
    byte[] hash = new byte[TileKey.HASH_BYTES];
    in.get(Integer.BYTES, hash);
    return TileKey.of(hash, in.getInt(HEAD_AT));
  }

  static int dataChecksum(ByteBuffer in) {
    return in.getInt(DATA_CHECKSUM_AT);
  }

  static void encodeFooter(
      ByteBuffer out, long count, long fileBytes, int chain, int headerChecksum) {
    out.clear();
    out.putInt(FOOTER_MARKER).putInt(0).putLong(count).putLong(fileBytes).putInt(chain);
    out.putInt(checksum(out, FOOTER_CHECKSUM_AT, headerChecksum)).flip();
  }

  /** CRC32C over the header's checksum and the first {@code length} bytes. */
  static int checksum(ByteBuffer buffer, int length, int headerChecksum) {
    CRC32C crc = seeded(headerChecksum);
    crc.update(buffer.duplicate().clear().limit(length));
    return (int) crc.getValue();
  }

  /**
   * Adds a record to the checksum over all names. The record's own checksum stays out: a CRC over
   * data and its CRC is the same for all data.
   */
  static void chain(CRC32C chain, ByteBuffer record) {
    chain.update(record.duplicate().clear().limit(CHECKSUM_AT));
  }

  static CRC32C seeded(int headerChecksum) {
    CRC32C crc = new CRC32C();
    crc.update(TileFileHeader.littleEndian(Integer.BYTES).putInt(0, headerChecksum));
    return crc;
  }

  /** CRC32C of what remains; leaves the position alone. */
  static int crc(ByteBuffer data) {
    CRC32C crc = new CRC32C();
    crc.update(data.duplicate());
    return (int) crc.getValue();
  }
}
