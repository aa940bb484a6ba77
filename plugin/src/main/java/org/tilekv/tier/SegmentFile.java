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

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.tilekv.tier.TileFileException.Reason;

/**
 * One file of slots ({@code docs/tile-file-format.md}). Different slots may be read and written in
 * parallel; who may touch a slot is decided by {@link DiskIndex}.
 *
 * <p>The order of a write makes it atomic for whoever comes after a kill: the entry is zeroed, the
 * bytes are written, the entry is written. After a loss of power, which may keep the later and lose
 * the earlier, the checksum of the bytes decides at the read.
 */
final class SegmentFile implements Closeable {
  /** Bytes copied at once: they are still in the processor's cache when their checksum is taken. */
  private static final int PIECE_BYTES = 1 << 20;

  private static final int SCAN_BYTES = 1 << 20;

  private final Path path;
  private final TierFile entries;

  /** The same file, opened once more: the system reads ahead by what one opener reads. */
  private final TierFile data;

  private final TileFileHeader header;
  private final SegmentLayout layout;

  private SegmentFile(Path path, TierFile entries, TierFile data, TileFileHeader header) {
    this.path = path;
    this.entries = entries;
    this.data = data;
    this.header = header;
    this.layout = SegmentLayout.of(header);
  }

  /** Makes an empty segment: whole, durable and under its name, or not at all. */
  static SegmentFile create(TierStorage storage, Path directory, int number, TileFileHeader header)
      throws IOException {
    Path path = DiskNames.segment(directory, number);
    Path temporary = path.resolveSibling(path.getFileName() + DiskNames.TEMPORARY);
    try {
      storage.delete(temporary);
      try (TierFile file = storage.create(temporary)) {
        file.write(header.encode(), 0);
        file.write(ByteBuffer.allocate(1), SegmentLayout.of(header).fileBytes() - 1);
        file.force();
      }
      storage.rename(temporary, path);
      storage.forceDirectory(directory);
      return openBoth(storage, path, header);
    } catch (IOException e) {
      DiskFiles.deleteAfter(e, storage, temporary);
      DiskFiles.deleteAfter(e, storage, path);
      throw e;
    }
  }

  /**
   * Opens a segment and checks its header and length.
   *
   * @throws TileFileException where it is none of this tier's
   */
  static SegmentFile open(TierStorage storage, Path path, DiskTierOptions options)
      throws IOException {
    TileFileHeader header;
    try (TierFile file = storage.open(path)) {
      header = readHeader(path, file).require(path, TileFileKind.SEGMENT, options);
      requireLength(path, SegmentLayout.of(header), file.size());
    }
    return openBoth(storage, path, header);
  }

  private static SegmentFile openBoth(TierStorage storage, Path path, TileFileHeader header)
      throws IOException {
    TierFile entries = storage.open(path);
    try {
      return new SegmentFile(path, entries, storage.open(path), header);
    } catch (IOException e) {
      DiskFiles.closeAfter(e, entries);
      throw e;
    }
  }

  static TileFileHeader readHeader(Path path, TierFile file) throws IOException {
    ByteBuffer in = TileFileHeader.littleEndian(TileFileHeader.BYTES);
    long size = file.size();
    if (size < TileFileHeader.BYTES) {
      throw new TileFileException(
          Reason.TRUNCATED, path, "length", size, "at least " + TileFileHeader.BYTES);
    }
    file.read(in, 0);
    return TileFileHeader.decode(path, in);
  }

  private static void requireLength(Path path, SegmentLayout layout, long found) {
    if (layout.slots() < 1) {
      throw new TileFileException(Reason.CORRUPT, path, "slots", layout.slots(), "1 or more");
    }
    TileFileHeader.requireEqual(Reason.TRUNCATED, path, "length", found, layout.fileBytes());
  }

  /** Receives the entries of a scan. */
  interface Visitor {
    /**
     * One slot that is not empty.
     *
     * @param entry null where it is damaged
     */
    void slot(int slot, @Nullable SegmentEntry entry);
  }

  /** Reads all entries; not the bytes they stand for. */
  void scan(Visitor visitor) throws IOException {
    int atOnce = Math.min(layout.slots(), Math.max(1, SCAN_BYTES / layout.entryBytes()));
    ByteBuffer in = TileFileHeader.littleEndian(atOnce * layout.entryBytes());
    for (int first = 0; first < layout.slots(); first += atOnce) {
      int count = Math.min(atOnce, layout.slots() - first);
      entries.read(in.clear().limit(count * layout.entryBytes()), layout.entryAt(first));
      for (int i = 0; i < count; i++) {
        in.limit((i + 1) * layout.entryBytes()).position(i * layout.entryBytes());
        if (!SegmentEntry.isEmpty(in)) {
          int slot = first + i;
          visitor.slot(slot, SegmentEntry.decode(in, layout, header.checksum(), slot));
        }
      }
    }
  }

  /** Says that nothing is in a slot. */
  void clear(int slot) throws IOException {
    entries.write(ByteBuffer.allocate(layout.entryBytes()), layout.entryAt(slot));
  }

  /** Writes a group to a slot whose entry is empty. */
  void write(int slot, GroupMeta meta, long sequence, ByteBuffer bytes) throws IOException {
    CRC32C crc = new CRC32C();
    long at = layout.dataAt(slot);
    ByteBuffer left = bytes.duplicate();
    while (left.hasRemaining()) {
      ByteBuffer piece = left.slice(left.position(), Math.min(PIECE_BYTES, left.remaining()));
      crc.update(piece.duplicate());
      data.write(piece, at + left.position() - bytes.position());
      left.position(left.position() + piece.capacity());
    }
    SegmentEntry entry = new SegmentEntry(meta, sequence, (int) crc.getValue());
    entries.write(entry.encode(layout, header.checksum(), slot), layout.entryAt(slot));
  }

  /**
   * Reads a slot into {@code dst} from its position on, which does not change. Null where entry or
   * bytes are not those that were written under this key.
   */
  @Nullable GroupMeta read(int slot, GroupKey key, ByteBuffer dst) throws IOException {
    try {
      SegmentEntry entry = entry(slot, key);
      if (entry == null) {
        return null;
      }
      return readData(slot, dst) == entry.dataChecksum() ? entry.meta() : null;
    } catch (EOFException e) {
      return null;
    }
  }

  /** What is in a slot; null where its entry is not the one that was written under this key. */
  @Nullable GroupMeta describe(int slot, GroupKey key) throws IOException {
    try {
      SegmentEntry entry = entry(slot, key);
      return entry == null ? null : entry.meta();
    } catch (EOFException e) {
      return null;
    }
  }

  private @Nullable SegmentEntry entry(int slot, GroupKey key) throws IOException {
    ByteBuffer in = TileFileHeader.littleEndian(layout.entryBytes());
    entries.read(in, layout.entryAt(slot));
    SegmentEntry entry = SegmentEntry.decode(in.flip(), layout, header.checksum(), slot);
    return entry != null && entry.meta().key().equals(key) ? entry : null;
  }

  private int readData(int slot, ByteBuffer dst) throws IOException {
    CRC32C crc = new CRC32C();
    long at = layout.dataAt(slot);
    for (int done = 0; done < layout.groupBytes(); done += PIECE_BYTES) {
      int count = Math.min(PIECE_BYTES, layout.groupBytes() - done);
      ByteBuffer piece = dst.slice(dst.position() + done, count);
      data.read(piece, at + done);
      crc.update(piece.flip());
    }
    return (int) crc.getValue();
  }

  Path path() {
    return path;
  }

  /** Number in the file's name. */
  int number() {
    return DiskNames.segmentNumber(path).orElseThrow();
  }

  int slots() {
    return layout.slots();
  }

  long fileBytes() {
    return layout.fileBytes();
  }

  void force() throws IOException {
    data.force();
  }

  @Override
  public void close() throws IOException {
    try {
      data.close();
    } finally {
      entries.close();
    }
  }
}
