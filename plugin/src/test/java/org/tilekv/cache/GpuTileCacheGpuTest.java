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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.cache.PagedTilesModel.Key;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaOutOfMemoryException;
import org.tilekv.cuda.CudaUsage;

/** Tiles in device memory: what was written is what is found, whatever was evicted or forked. */
@Tag("gpu")
class GpuTileCacheGpuTest {

  private static final int BEAMS = 4;
  private static final int TILES = 5;
  private static final TileGeometry GEOMETRY = new TileGeometry(2, 2, 64, 16, KvDtype.BFLOAT16);

  private final CudaDevice device = CudaDevice.open(0);
  // Every word of a tile holds this number.
  private final Map<Key, Integer> written = new HashMap<>();
  private int lastWritten;

  @AfterEach
  void nothingIsLeft() {
    assertThat(device.usage()).matches(CudaUsage::isEmpty, "nothing is open");
    device.close();
  }

  @Test
  void aTileIsWrittenRegisteredAndFound() {
    try (GpuTileCache cache = open(10)) {
      assertThat(cache.get(0, 1, 2)).isEqualTo(GpuTileCache.ABSENT);
      long address = cache.getWritePtr(0, 1, 2);
      assertThat(cache.get(0, 1, 2)).isEqualTo(GpuTileCache.ABSENT);
      cache.registerTile(0, 1, 2);
      assertThat(cache.get(0, 1, 2)).isEqualTo(address).isNotZero();
      assertThat(cache.sync()).isEqualTo(8);
      assertThat(cache.sync()).isZero();
      assertThat(cache.stats()).isEqualTo(new GpuTileCacheStats(10, 9, 1, 1, 2, 0, 0, 8));
    }
  }

  @Test
  void noRoomIsAnAnswer() {
    try (GpuTileCache cache = open(2)) {
      assertThat(cache.reserve(0, 0, 2)).isFalse();
      assertThat(cache.reserve(0, 0, 1)).isTrue();
      assertThat(cache.getWritePtr(1, 0, 0)).isEqualTo(GpuTileCache.ABSENT);
      cache.registerTiles(0, 0, 1);
      assertThat(cache.getWritePtr(1, 0, 0)).isNotEqualTo(GpuTileCache.ABSENT);
      assertThat(cache.get(0, 0, 0)).isEqualTo(GpuTileCache.ABSENT);
      cache.checkIntegrity();
    }
  }

  @Test
  void aPoolThatDoesNotFitLeavesNothing() {
    int tooMany = GpuTileCache.pagesThatFit(device, GEOMETRY, 1) + (1 << 16);
    assertThatThrownBy(() -> open(tooMany))
        .isInstanceOf(CudaOutOfMemoryException.class)
        .hasMessageContaining("tiles");
    assertThatThrownBy(() -> GpuTileCache.pagesThatFit(device, GEOMETRY, 1.5))
        .hasMessageContaining("fraction is 1.5");
  }

  @Test
  void randomCallsNeverMixTiles() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (GpuTileCache cache = open(12)) {
      for (int call = 0; call < 1_500; call++) {
        Key key = new Key(random.nextInt(BEAMS), random.nextInt(2), random.nextInt(TILES));
        String where = "seed " + seed + ", call " + call;
        switch (random.nextInt(8)) {
          case 0, 1, 2 -> write(cache, key, where);
          case 3 -> fork(cache, key.beam(), random.nextInt(BEAMS));
          case 4 -> cache.sync();
          case 5 -> drop(cache, key.beam());
          default -> read(cache, key, where);
        }
        cache.checkIntegrity();
      }
      for (int beam = 0; beam < BEAMS; beam++) {
        for (int tile = 0; tile < TILES; tile++) {
          read(cache, new Key(beam, 0, tile), "seed " + seed + ", at the end");
        }
      }
      assertThat(cache.stats().evictedPages()).isPositive();
      assertThat(cache.stats().copiedPages()).isPositive();
    }
  }

  private GpuTileCache open(int pages) {
    return GpuTileCache.init(GEOMETRY, pages, BEAMS, TILES, device);
  }

  private void write(GpuTileCache cache, Key key, String where) {
    boolean known = cache.get(key.beam(), key.head(), key.tile()) != GpuTileCache.ABSENT;
    long address = cache.getWritePtr(key.beam(), key.head(), key.tile());
    assertThat(address).as(where).isNotEqualTo(GpuTileCache.ABSENT);
    if (known) {
      // A page of its own with what was there, copied where it was shared.
      assertThat(content(cache, address)).as(where).isEqualTo(written.get(key));
    }
    cache.stream().fillInts(address, ++lastWritten, GEOMETRY.tileBytes() / Integer.BYTES);
    written.put(key, lastWritten);
    cache.registerTile(key.beam(), key.head(), key.tile());
  }

  private void read(GpuTileCache cache, Key key, String where) {
    long address = cache.get(key.beam(), key.head(), key.tile());
    if (address != GpuTileCache.ABSENT) {
      assertThat(content(cache, address)).as(where).isEqualTo(written.get(key));
    }
  }

  private void fork(GpuTileCache cache, int from, int to) {
    if (from == to) {
      return;
    }
    drop(cache, to);
    cache.fork(from, to);
    for (int head = 0; head < 2; head++) {
      for (int tile = 0; tile < TILES; tile++) {
        Integer content = written.get(new Key(from, head, tile));
        if (content != null) {
          written.put(new Key(to, head, tile), content);
        }
      }
    }
  }

  private static void drop(GpuTileCache cache, int beam) {
    for (int head = 0; head < 2; head++) {
      for (int tile = 0; tile < TILES; tile++) {
        cache.drop(beam, head, tile);
      }
    }
  }

  /** The number in every word of a tile. */
  private static Integer content(GpuTileCache cache, long address) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(GEOMETRY.tileBytes()).order(ByteOrder.nativeOrder());
    cache.stream().copyToHost(Cuda.addressOf(bytes), address, bytes.capacity());
    cache.stream().synchronize();
    int first = bytes.getInt(0);
    for (int i = 0; i < bytes.capacity(); i += Integer.BYTES) {
      assertThat(bytes.getInt(i)).isEqualTo(first);
    }
    return first;
  }
}
