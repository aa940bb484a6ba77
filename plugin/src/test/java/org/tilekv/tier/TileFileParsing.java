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

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Parsers of files against any bytes: nothing but the documented exception, and no more memory than
 * the file justifies. A last byte that is odd asks for right checksums, so that what lies behind
 * them is reached, too.
 */
final class TileFileParsing implements AutoCloseable {
  private static final Path FILE = Path.of("/d/segment-00000000.tkv");
  private static final DiskTierOptions OPTIONS = Groups.options(1 << 20, Path.of("/d"));
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final GroupKey NONE = new GroupKey(0, 0, 0, 0);
  private static final long FIXED_BYTES = 256 << 10;
  private static final int BYTES_PER_BYTE = 16;

  private final Path real;

  /** Loads all classes, so that their memory is not taken for the parsers'. */
  TileFileParsing() throws IOException {
    real = Files.createTempFile("parse", ".tkv");
    for (byte[] seed : tiles()) {
      parseTiles(repaired(seed, false));
    }
    for (byte[] seed : segments()) {
      parseSegment(repaired(seed, false));
    }
    for (byte[] seed : orders()) {
      parseOrder(repaired(seed, true));
    }
  }

  @Override
  public void close() throws IOException {
    Files.delete(real);
  }

  void tileFile(byte[] data) throws IOException {
    byte[] file = repaired(data, false);
    long before = allocated();
    parseTiles(file);
    checkAllocated(before, file);
  }

  void segmentFile(byte[] data) throws IOException {
    byte[] file = repaired(data, false);
    long before = allocated();
    parseSegment(file);
    checkAllocated(before, file);
  }

  void orderFile(byte[] data) throws IOException {
    byte[] file = repaired(data, true);
    long before = allocated();
    parseOrder(file);
    checkAllocated(before, file);
  }

  private void parseTiles(byte[] file) throws IOException {
    Files.write(real, file);
    try (TileFileReader reader = TileFileReader.open(real)) {
      int bytes = reader.geometry().tileBytes();
      assertThat((long) reader.count() * bytes).isLessThan(file.length);
      for (int i = 0; i < reader.count(); i++) {
        reader.read(i, ByteBuffer.allocate(bytes));
      }
    } catch (TileFileException e) {
      assertThat(e.reason()).isNotNull();
    }
  }

  private static void parseSegment(byte[] file) throws IOException {
    MemoryStorage storage = storage(file);
    try (SegmentFile segment = SegmentFile.open(storage, FILE, OPTIONS)) {
      List<GroupKey> keys = new ArrayList<>();
      segment.scan((slot, entry) -> keys.add(entry == null ? NONE : entry.meta().key()));
      ByteBuffer dst = ByteBuffer.allocate(Groups.BYTES);
      for (int slot = 0; slot < Math.min(keys.size(), segment.slots()); slot++) {
        segment.read(slot, keys.get(slot), dst);
      }
    } catch (TileFileException e) {
      assertThat(e.reason()).isNotNull();
    }
    assertThat(storage.openFiles()).isZero();
  }

  private static void parseOrder(byte[] file) throws IOException {
    MemoryStorage storage = storage(file);
    try {
      assertThat(OrderFile.load(storage, FILE, OPTIONS).uses()).isNotNull();
    } catch (TileFileException e) {
      assertThat(e.reason()).isNotNull();
    }
    assertThat(storage.openFiles()).isZero();
  }

  private static long allocated() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }

  private static void checkAllocated(long before, byte[] file) {
    assertThat(allocated() - before).isLessThan(FIXED_BYTES + (long) BYTES_PER_BYTE * file.length);
  }

  private static MemoryStorage storage(byte[] file) {
    MemoryStorage storage = new MemoryStorage(() -> 0);
    storage.replace(FILE, file);
    return storage;
  }

  /** Cuts the last byte off; where it is odd, puts right checksums in. */
  private static byte[] repaired(byte[] data, boolean trailer) {
    int length = Math.max(0, data.length - 1);
    byte[] file = Arrays.copyOf(data, length);
    if (data.length == 0 || (data[length] & 1) == 0 || length < TileFileHeader.BYTES + 4) {
      return file;
    }
    ByteBuffer out = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int header = crc(new CRC32C(), file, TileFileHeader.BYTES - Integer.BYTES);
    out.putInt(TileFileHeader.BYTES - Integer.BYTES, header);
    if (trailer) {
      int at = length - Integer.BYTES;
      out.putInt(at, crc(TileFileRecord.seeded(header), file, at));
    }
    return file;
  }

  private static int crc(CRC32C crc, byte[] bytes, int length) {
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  static List<byte[]> tiles() throws IOException {
    Path file = Files.createTempFile("seed", ".tkv");
    try (TileFileWriter writer = TileFileWriter.create(file, Tiles.NAMESPACE, Groups.GEOMETRY)) {
      writer.append(TileKey.of(1, 0), ByteBuffer.wrap(Tiles.bytes(64, 1)));
      writer.append(TileKey.of(1, 1), ByteBuffer.wrap(Tiles.bytes(64, 2)));
      writer.commit();
    }
    byte[] bytes = Files.readAllBytes(file);
    Files.delete(file);
    return seeds(bytes);
  }

  static List<byte[]> segments() throws IOException {
    return seeds(written("segment"));
  }

  static List<byte[]> orders() throws IOException {
    return seeds(written("order"));
  }

  private static byte[] written(String name) throws IOException {
    MemoryStorage storage = new MemoryStorage(() -> 0);
    long bytes = Groups.segmentBytes(2);
    try (DiskTier tier = DiskTier.open(OPTIONS, bytes, storage, () -> 0)) {
      Groups.put(tier, 1);
    }
    for (Path file : storage.all()) {
      if (DiskNames.name(file).startsWith(name)) {
        return storage.bytes(file);
      }
    }
    throw new IllegalStateException("no " + name);
  }

  /** A whole file, and it with damage in the header that right checksums hide. */
  private static List<byte[]> seeds(byte[] file) {
    List<byte[]> seeds = new ArrayList<>();
    seeds.add(new byte[0]);
    seeds.add(Arrays.copyOf(file, file.length + 1));
    for (int at : new int[] {8, 12, 48, 60, 64, 68, 72, 80, 84}) {
      for (int value : new int[] {-1, 1 << 28}) {
        byte[] seed = Arrays.copyOf(file, file.length + 1);
        ByteBuffer.wrap(seed).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        seed[file.length] = 1;
        seeds.add(seed);
      }
    }
    return seeds;
  }
}
