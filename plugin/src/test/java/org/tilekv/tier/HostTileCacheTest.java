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
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;

class HostTileCacheTest {
  private static final TileKey A = TileKey.of(1, 0);
  private static final TileKey B = TileKey.of(2, 0);
  private static final TileKey C = TileKey.of(3, 0);

  private final TileGeometry geometry = Tiles.geometry(KvDtype.INT8);
  private final int tileBytes = geometry.tileBytes();
  private final HostTileCache cache = Tiles.cache(KvDtype.INT8, 2);
  private final byte[] tile = Tiles.bytes(tileBytes, 1);
  private final byte[] other = Tiles.bytes(tileBytes, 2);

  @AfterEach
  void check() {
    cache.checkIntegrity();
    cache.close();
    assertThat(cache.stats().allocatedBytes()).isZero();
  }

  @Test
  void aTileComesBack() {
    assertThat(cache.put(A, tile, 0)).isTrue();
    byte[] read = new byte[tileBytes + 3];
    assertThat(cache.get(A, read, 3)).isTrue();
    assertThat(read).containsSequence(tile).startsWith(0, 0, 0);
    assertThat(cache.get(B, read, 0)).isFalse();
    assertThat(cache.get(TileKey.of(1, 1), read, 0)).as("same hash, other head").isFalse();
  }

  @Test
  void overwritingReplacesAndEvictsNothing() {
    cache.put(A, tile, 0);
    cache.put(B, tile, 0);
    assertThat(cache.put(A, other, 0)).isTrue();
    assertThat(read(A)).isEqualTo(other);
    assertThat(read(B)).isEqualTo(tile);
    assertThat(cache.stats().evictions()).isZero();
  }

  @Test
  void theLeastRecentlyUsedGoesFirst() {
    cache.put(A, tile, 0);
    cache.put(B, tile, 0);
    read(A);
    cache.contains(B);
    cache.put(C, tile, 0);
    assertThat(cache.keysOldestFirst()).containsExactly(A, C);
    assertThat(cache.stats().evictions()).isOne();
  }

  @Test
  void removeAndClearMakeRoom() {
    cache.put(A, tile, 0);
    cache.put(B, tile, 0);
    assertThat(cache.remove(A)).isTrue();
    assertThat(cache.remove(A)).isFalse();
    cache.put(C, tile, 0);
    assertThat(cache.keysOldestFirst()).containsExactly(B, C);
    cache.clear();
    assertThat(cache.keysOldestFirst()).isEmpty();
    assertThat(cache.stats().residentBytes()).isZero();
  }

  @Test
  void aCapacityBelowOneTileStoresNothing() {
    try (HostTileCache none = HostTileCache.create(geometry, Tiles.NAMESPACE, tileBytes - 1)) {
      assertThat(none.put(A, tile, 0)).isFalse();
      assertThat(none.get(A, tile, 0)).isFalse();
      assertThat(none.stats().rejectedPuts()).isOne();
      none.checkIntegrity();
    }
  }

  @Test
  void countersCount() {
    cache.put(A, tile, 0);
    read(A);
    cache.get(B, new byte[tileBytes], 0);
    HostTileCacheStats stats = cache.stats();
    assertThat(stats.hits()).isOne();
    assertThat(stats.misses()).isOne();
    assertThat(stats.puts()).isOne();
    assertThat(stats.residentTiles()).isOne();
    assertThat(stats.capacityTiles()).isEqualTo(2);
    assertThat(stats.residentBytes()).isEqualTo(tileBytes);
    assertThat(stats.allocatedBytes()).isGreaterThanOrEqualTo(2L * tileBytes);
  }

  @Test
  void batchesSayWhatTheyHit() {
    byte[] both = new byte[2 * tileBytes];
    System.arraycopy(tile, 0, both, 0, tileBytes);
    System.arraycopy(other, 0, both, tileBytes, tileBytes);
    assertThat(cache.putAll(List.of(A, C), both, 0)).isEqualTo(2);
    byte[] read = new byte[3 * tileBytes];
    assertThat(cache.getAll(List.of(A, B, C), read, 0).stream()).containsExactly(0, 2);
    assertThat(read).startsWith(tile).endsWith(other);
  }

  @Test
  void byteBuffersKeepTheirPositions() {
    ByteBuffer src = ByteBuffer.allocateDirect(tileBytes + 5).put(5, tile);
    assertThat(cache.put(A, src, 5)).isTrue();
    ByteBuffer dst = ByteBuffer.allocate(tileBytes);
    assertThat(cache.get(A, dst, 0)).isTrue();
    assertThat(dst.array()).isEqualTo(tile);
    assertThat(src.position() + dst.position()).isZero();
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void pagesOfEveryDtypeComeBack(KvDtype dtype) {
    try (HostTileCache paged = Tiles.cache(dtype, 2);
        TileArena arena = TileArena.allocate(Tiles.geometry(dtype), 3)) {
      byte[] bytes = Tiles.bytes(paged.geometry().tileBytes(), 9);
      paged.put(A, bytes, 0);
      assertThat(paged.getAll(List.of(A, B), arena, new int[] {2, 0}).stream()).containsExactly(0);
      assertThat(paged.putAll(List.of(B), arena, new int[] {2})).isOne();
      byte[] again = new byte[bytes.length];
      paged.get(B, again, 0);
      assertThat(again).isEqualTo(bytes);
      paged.checkIntegrity();
    }
  }

  @Test
  void aFloatPageSpillsCompactly() {
    try (TileArena arena = TileArena.allocate(Tiles.geometry(KvDtype.FLOAT32), 2)) {
      float[] values = Tiles.gaussian(geometry.valueElements(), 4);
      System.arraycopy(values, 0, arena.floats(1), arena.base(1), values.length);
      assertThat(cache.put(A, arena, 1)).isTrue();
      assertThat(cache.get(A, arena, 0)).isTrue();
      for (int i = 0; i < values.length; i++) {
        assertThat(arena.floats(0)[i]).isCloseTo(values[i], within(0.02f));
      }
    }
  }

  @Test
  void wrongFormsAreRefusedByName() {
    assertThatThrownBy(() -> cache.put(A, new short[tileBytes], 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("INT8");
    assertThatThrownBy(() -> cache.put(A, new byte[tileBytes], 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cache.get(A, new byte[tileBytes - 1], 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> HostTileCache.create(geometry, new byte[3], 100))
        .hasMessageContaining("namespace has 3 bytes");
    assertThatThrownBy(() -> HostTileCache.create(geometry, Tiles.NAMESPACE, -1))
        .hasMessageContaining("capacityBytes is -1");
    try (TileArena arena = TileArena.allocate(new TileGeometry(1, 2, 4, 2, KvDtype.INT8), 1)) {
      assertThatThrownBy(() -> cache.put(A, arena, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("layers=1");
    }
  }

  @Test
  void aFailedCopyLeavesNothingBehind() {
    cache.put(A, tile, 0);
    ByteBuffer readOnly = ByteBuffer.allocate(tileBytes).asReadOnlyBuffer();
    assertThatThrownBy(() -> cache.get(A, readOnly, 0)).isInstanceOf(ReadOnlyBufferException.class);
    assertThat(read(A)).isEqualTo(tile);
  }

  @Test
  void closeGivesAllMemoryBackAndRefusesCalls() {
    DirectAllocator allocator = new DirectAllocator();
    HostTileCache closed = HostTileCache.create(geometry, Tiles.NAMESPACE, 1000, allocator);
    closed.put(A, tile, 0);
    assertThat(allocator.liveBytes()).isEqualTo(closed.stats().allocatedBytes()).isPositive();
    closed.close();
    closed.close();
    assertThat(allocator.liveBytes()).isZero();
    assertThatThrownBy(() -> closed.get(A, tile, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void aFailedAllocationGivesBackWhatItGot() {
    DirectAllocator real = new DirectAllocator();
    HostAllocator failing =
        new HostAllocator() {
          @Override
          public ByteBuffer allocate(int bytes) {
            if (real.liveBytes() > 0) {
              throw new OutOfMemoryError("no more");
            }
            return real.allocate(16);
          }

          @Override
          public void free(ByteBuffer slab) {
            real.free(slab);
          }
        };
    assertThatThrownBy(() -> HostTileCache.create(geometry, Tiles.NAMESPACE, 600L << 20, failing))
        .isInstanceOf(OutOfMemoryError.class);
    assertThat(real.liveBytes()).isZero();
  }

  private byte[] read(TileKey key) {
    byte[] dst = new byte[tileBytes];
    assertThat(cache.get(key, dst, 0)).isTrue();
    return dst;
  }
}
