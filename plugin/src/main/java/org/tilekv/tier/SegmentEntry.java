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
import org.jspecify.annotations.Nullable;

/**
 * What a segment says about one slot: which group is in it. It is written after the group's bytes
 * and zeroed before they are overwritten, so that an entry stands for whole bytes. Its checksum is
 * seeded with the header's and the slot, so that an entry elsewhere does not pass.
 *
 * @param sequence tick of the tier at which the group was written
 * @param dataChecksum CRC32C of the group's bytes
 */
record SegmentEntry(GroupMeta meta, long sequence, int dataChecksum) {
  static final int MARKER = 0x50555247;

  private static final int HASHES_AT = 16;
  private static final int TOKENS_AT = HASHES_AT + 2 * GroupKey.HASH_BYTES + 2 * Integer.BYTES;

  static int bytes(int tileTokens) {
    int used = TOKENS_AT + Integer.BYTES * tileTokens + Integer.BYTES;
    return (used + Long.BYTES - 1) / Long.BYTES * Long.BYTES;
  }

  ByteBuffer encode(SegmentLayout layout, int headerChecksum, int slot) {
    ByteBuffer out = TileFileHeader.littleEndian(layout.entryBytes());
    out.putInt(MARKER).putInt(meta.tokens().length).putLong(sequence);
    out.put(meta.chainHash()).put(meta.parentHash());
    out.putInt(layout.groupBytes()).putInt(dataChecksum);
    for (int token : meta.tokens()) {
      out.putInt(token);
    }
    return out.putInt(checksum(out, headerChecksum, slot)).rewind();
  }

  /** Whether nothing was ever written to a slot, or it was cleared. */
  static boolean isEmpty(ByteBuffer in) {
    return in.getInt(in.position()) == 0;
  }

  /** Decodes what remains; null unless all of it is as it was written for this slot. */
  static @Nullable SegmentEntry decode(
      ByteBuffer in, SegmentLayout layout, int headerChecksum, int slot) {
    int at = in.position();
    boolean known =
        in.getInt(at) == MARKER
            && in.getInt(at + Integer.BYTES) == layout.tileTokens()
            && in.getInt(at + TOKENS_AT - 2 * Integer.BYTES) == layout.groupBytes();
    ByteBuffer body = in.slice(at, TOKENS_AT + Integer.BYTES * layout.tileTokens());
    int found = in.getInt(at + body.capacity());
    if (!known || found != checksum(body.position(body.capacity()), headerChecksum, slot)) {
      return null;
    }
    return body(in, layout.tileTokens());
  }

  private static SegmentEntry body(ByteBuffer in, int tileTokens) {
    int at = in.position();
    byte[] chainHash = new byte[GroupKey.HASH_BYTES];
    byte[] parentHash = new byte[GroupKey.HASH_BYTES];
    in.get(at + HASHES_AT, chainHash);
    in.get(at + HASHES_AT + GroupKey.HASH_BYTES, parentHash);
    int[] tokens = new int[tileTokens];
    for (int i = 0; i < tileTokens; i++) {
      tokens[i] = in.getInt(at + TOKENS_AT + Integer.BYTES * i);
    }
    return new SegmentEntry(
        new GroupMeta(chainHash, parentHash, tokens),
        in.getLong(at + 2 * Integer.BYTES),
        in.getInt(at + TOKENS_AT - Integer.BYTES));
  }

  private static int checksum(ByteBuffer written, int headerChecksum, int slot) {
    CRC32C crc = TileFileRecord.seeded(headerChecksum);
    crc.update(TileFileHeader.littleEndian(Integer.BYTES).putInt(0, slot));
    crc.update(written.duplicate().flip());
    return (int) crc.getValue();
  }
}
