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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.tier.TileFileException.Reason;

class TileFileTest {
  private static final TileGeometry GEOMETRY = Tiles.geometry(KvDtype.INT8);
  private static final int TILES = 3;
  private static final int STRIDE = TileFileRecord.BYTES + GEOMETRY.tileBytes();

  @TempDir Path directory;
  private Path file;
  private byte[] image;

  @BeforeEach
  void save() throws IOException {
    file = directory.resolve("tiles.tkv");
    try (HostTileCache cache = Tiles.cache(KvDtype.INT8, TILES)) {
      for (int i = 0; i < TILES; i++) {
        cache.put(key(i), tile(i), 0);
      }
      cache.get(key(0), new byte[GEOMETRY.tileBytes()], 0);
      assertThat(cache.save(file)).isEqualTo(TILES);
    }
    image = Files.readAllBytes(file);
  }

  @Test
  void tilesComeBackInOrderOfUse() throws IOException {
    try (HostTileCache cache = Tiles.cache(KvDtype.INT8, TILES)) {
      assertThat(cache.load(file)).isEqualTo(new LoadResult(TILES, 0, 0));
      assertThat(cache.keysOldestFirst()).containsExactly(key(1), key(2), key(0));
      requireRightBytes(cache);
    }
  }

  @Test
  void aSmallerCacheKeepsTheNewest() throws IOException {
    try (HostTileCache cache = Tiles.cache(KvDtype.INT8, 2)) {
      assertThat(cache.load(file)).isEqualTo(new LoadResult(2, 0, 1));
      assertThat(cache.keysOldestFirst()).containsExactly(key(2), key(0));
    }
  }

  @Test
  void anEmptyCacheMakesAFile() throws IOException {
    try (HostTileCache cache = Tiles.cache(KvDtype.INT8, TILES)) {
      cache.save(file);
      assertThat(cache.load(file)).isEqualTo(new LoadResult(0, 0, 0));
      assertThat(Files.size(file)).isEqualTo(128);
    }
  }

  @Test
  void theFileIsPrivateAndAlone() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(image).hasSize(96 + TILES * STRIDE + 32);
    assertThat(files()).containsExactly(file);
  }

  @Test
  void anUncommittedFileLeavesTheOldOne() throws IOException {
    try (TileFileWriter writer = TileFileWriter.create(file, Tiles.NAMESPACE, GEOMETRY)) {
      writer.append(key(9), ByteBuffer.wrap(tile(9)));
      assertThat(files()).hasSize(2);
    }
    assertThat(files()).containsExactly(file);
    assertThat(file).hasBinaryContent(image);
  }

  @Test
  void everyFlippedByteIsFound() throws IOException {
    Map<Reason, Integer> refused = new EnumMap<>(Reason.class);
    int skipped = 0;
    for (int at = 0; at < image.length; at++) {
      for (int flip : new int[] {0x01, 0x80, 0xff}) {
        byte[] damaged = image.clone();
        damaged[at] ^= (byte) flip;
        Files.write(file, damaged);
        try (HostTileCache cache = Tiles.cache(KvDtype.INT8, TILES)) {
          LoadResult result = cache.load(file);
          assertThat(result).as("byte %d", at).isEqualTo(new LoadResult(TILES - 1, 1, 0));
          assertThat(cache.stats().corruptTiles()).isOne();
          requireRightBytes(cache);
          cache.checkIntegrity();
          skipped++;
        } catch (TileFileException e) {
          assertThat(e).hasMessageContaining(file.toString()).hasMessageContaining("allowed is");
          refused.merge(e.reason(), 1, Integer::sum);
        }
      }
    }
    assertThat(skipped).isEqualTo(3 * TILES * GEOMETRY.tileBytes());
    assertThat(refused.get(Reason.FOREIGN)).isEqualTo(3 * 8);
    assertThat(refused.get(Reason.VERSION)).isEqualTo(3 * 4);
    assertThat(refused.get(Reason.TRUNCATED)).isEqualTo(3 * 32);
    assertThat(refused.get(Reason.CORRUPT)).isEqualTo(3 * (84 + TILES * TileFileRecord.BYTES));
  }

  @Test
  void everyOtherLengthIsRefused() throws IOException {
    for (int length = 0; length < image.length + 2 * STRIDE; length++) {
      Files.write(file, Arrays.copyOf(image, length));
      if (length != image.length) {
        refuse(Reason.TRUNCATED);
      }
    }
  }

  @Test
  void otherTilesAreRefused() throws IOException {
    try (HostTileCache cache = Tiles.cache(KvDtype.FLOAT32, TILES)) {
      assertThatThrownBy(() -> cache.load(file))
          .isInstanceOf(TileFileException.class)
          .hasMessageContaining("dtype=INT8")
          .hasMessageContaining("dtype=FLOAT32");
    }
    try (HostTileCache cache = HostTileCache.create(GEOMETRY, new byte[32], 1000)) {
      assertThatThrownBy(() -> cache.load(file))
          .isInstanceOf(TileFileException.class)
          .hasMessageContaining("namespace");
    }
  }

  @Test
  void aRecordOfAnotherFileIsRefused() throws IOException {
    Path other = directory.resolve("other.tkv");
    try (HostTileCache cache = HostTileCache.create(GEOMETRY, new byte[32], 1000)) {
      cache.put(key(1), tile(5), 0);
      cache.save(other);
    }
    System.arraycopy(Files.readAllBytes(other), 96, image, 96, STRIDE);
    Files.write(file, image);
    refuse(Reason.CORRUPT);
  }

  @Test
  void swappedRecordsAreRefused() throws IOException {
    byte[] swapped = image.clone();
    System.arraycopy(image, 96, swapped, 96 + STRIDE, STRIDE);
    System.arraycopy(image, 96 + STRIDE, swapped, 96, STRIDE);
    Files.write(file, swapped);
    refuse(Reason.CORRUPT);
  }

  @Test
  void aMissingFileIsAnIoError() {
    try (HostTileCache cache = Tiles.cache(KvDtype.INT8, TILES)) {
      assertThatThrownBy(() -> cache.load(directory.resolve("none")))
          .isInstanceOf(NoSuchFileException.class);
    }
  }

  @Test
  void aTileOfAnotherLengthIsNotAppended() throws IOException {
    try (TileFileWriter writer = TileFileWriter.create(file, Tiles.NAMESPACE, GEOMETRY)) {
      assertThatThrownBy(() -> writer.append(key(1), ByteBuffer.allocate(3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("has 3 bytes; it must have " + GEOMETRY.tileBytes());
    }
  }

  private void refuse(Reason reason) {
    try (HostTileCache cache = Tiles.cache(KvDtype.INT8, TILES)) {
      assertThatThrownBy(() -> cache.load(file))
          .isInstanceOfSatisfying(
              TileFileException.class, e -> assertThat(e.reason()).isEqualTo(reason));
      assertThat(cache.keysOldestFirst()).isEmpty();
      cache.checkIntegrity();
    }
  }

  private static void requireRightBytes(HostTileCache cache) {
    byte[] read = new byte[GEOMETRY.tileBytes()];
    for (int i = 0; i < TILES; i++) {
      if (cache.get(key(i), read, 0)) {
        assertThat(read).isEqualTo(tile(i));
      }
    }
  }

  private Stream<Path> files() throws IOException {
    return Files.list(directory);
  }

  private static TileKey key(int i) {
    return TileKey.of(Tiles.bytes(32, 100 + i), i);
  }

  private static byte[] tile(int i) {
    return Tiles.bytes(GEOMETRY.tileBytes(), i);
  }
}
