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
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.tilekv.tier.TileFileException.Reason;

/**
 * The order in which a directory's groups were used, as it was when the file was written.
 *
 * @param uses the groups that were there, in any order
 * @param completeUpTo every group written up to this tick that is not among {@code uses} was
 *     dropped
 */
record OrderFile(List<Use> uses, long completeUpTo) {

  /**
   * Last use of a group.
   *
   * @param segment number of its segment
   * @param slot its slot
   * @param sequence tick at which it was written; another one there is another group
   * @param lastUse tick at which it was used
   */
  record Use(int segment, int slot, long sequence, long lastUse) {}

  static final OrderFile NONE = new OrderFile(List.of(), Long.MIN_VALUE);

  private static final int USE_BYTES = 2 * Integer.BYTES + 2 * Long.BYTES;
  private static final int USES_AT = TileFileHeader.BYTES + Long.BYTES;

  static long bytes(int uses) {
    return USES_AT + (long) USE_BYTES * uses + Integer.BYTES;
  }

  /** Writes the file, which replaces an older one at once or not at all. */
  void save(TierStorage storage, Path path, DiskTierOptions options) throws IOException {
    Path temporary = path.resolveSibling(path.getFileName() + DiskNames.TEMPORARY);
    ByteBuffer out = encode(TileFileHeader.of(TileFileKind.ORDER, options, uses.size()));
    try {
      storage.delete(temporary);
      try (TierFile file = storage.create(temporary)) {
        file.write(out, 0);
        file.force();
      }
      storage.rename(temporary, path);
    } catch (IOException e) {
      DiskFiles.deleteAfter(e, storage, temporary);
      throw e;
    }
  }

  private ByteBuffer encode(TileFileHeader header) {
    ByteBuffer out = TileFileHeader.littleEndian(Math.toIntExact(bytes(uses.size())));
    out.put(header.encode()).putLong(completeUpTo);
    for (Use use : uses) {
      out.putInt(use.segment).putInt(use.slot).putLong(use.sequence).putLong(use.lastUse);
    }
    return out.putInt(checksum(out, header)).rewind();
  }

  /**
   * Reads a file.
   *
   * @throws TileFileException where it is none of this tier's, or damaged
   */
  static OrderFile load(TierStorage storage, Path path, DiskTierOptions options)
      throws IOException {
    try (TierFile file = storage.open(path)) {
      TileFileHeader header = SegmentFile.readHeader(path, file);
      header.require(path, TileFileKind.ORDER, options);
      long size = file.size();
      if (header.count() < 0 || bytes(header.count()) > Integer.MAX_VALUE) {
        throw new TileFileException(Reason.CORRUPT, path, "groups", header.count(), "0 or more");
      }
      TileFileHeader.requireEqual(Reason.TRUNCATED, path, "length", size, bytes(header.count()));
      ByteBuffer in = TileFileHeader.littleEndian((int) size);
      file.read(in, 0);
      in.position(in.capacity() - Integer.BYTES);
      TileFileHeader.requireEqual(
          Reason.CORRUPT, path, "checksum", in.getInt(in.position()), checksum(in, header));
      return decode(in.position(TileFileHeader.BYTES), header.count());
    }
  }

  private static OrderFile decode(ByteBuffer in, int count) {
    long completeUpTo = in.getLong();
    List<Use> uses = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      uses.add(new Use(in.getInt(), in.getInt(), in.getLong(), in.getLong()));
    }
    return new OrderFile(uses, completeUpTo);
  }

  private static int checksum(ByteBuffer written, TileFileHeader header) {
    CRC32C crc = TileFileRecord.seeded(header.checksum());
    crc.update(written.duplicate().flip());
    return (int) crc.getValue();
  }
}
