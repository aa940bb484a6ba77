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

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;

/**
 * Threads read, overwrite, remove and evict the same few tiles. Every tile is filled with one long
 * that holds its key and a version: a torn, foreign or half-written tile shows.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostTileCacheStressTest {
  private static final TileGeometry GEOMETRY = new TileGeometry(4, 1, 64, 16, KvDtype.INT8);
  private static final int LONGS = GEOMETRY.tileBytes() / Long.BYTES;
  private static final int KEYS = 8;
  private static final int CALLS = 3_000_000;

  @Test
  void noTornOrForeignBytesWithTwoThreads() throws Exception {
    run(2, 4);
  }

  @Test
  void noTornOrForeignBytesWithMoreThreadsThanSpareFrames() throws Exception {
    run(3 * Runtime.getRuntime().availableProcessors() + 1, 1);
  }

  private static void run(int threads, int capacityTiles) throws Exception {
    long seed = System.nanoTime();
    long bytes = (long) capacityTiles * GEOMETRY.tileBytes();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (HostTileCache cache = HostTileCache.create(GEOMETRY, Tiles.NAMESPACE, bytes)) {
      List<Future<Long>> running = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        Random random = new Random(seed + t);
        running.add(pool.submit(() -> work(cache, random, CALLS / threads)));
      }
      long hits = 0;
      for (Future<Long> future : running) {
        hits += future.get();
      }
      assertThat(hits).as("seed %d", seed).isPositive();
      cache.checkIntegrity();
    } finally {
      pool.shutdownNow();
    }
  }

  private static long work(HostTileCache cache, Random random, int calls) {
    long[] pattern = new long[LONGS];
    ByteBuffer tile = ByteBuffer.allocate(GEOMETRY.tileBytes());
    long hits = 0;
    for (int call = 0; call < calls; call++) {
      int id = random.nextInt(KEYS);
      TileKey key = TileKey.of(id, 0);
      int choice = random.nextInt(100);
      if (choice < 40) {
        Arrays.fill(pattern, (long) id << 32 | random.nextInt() >>> 1);
        tile.clear().asLongBuffer().put(pattern);
        cache.put(key, tile, 0);
      } else if (choice < 97) {
        if (cache.get(key, tile, 0)) {
          hits++;
          requireWhole(tile, id);
        }
      } else {
        cache.remove(key);
      }
    }
    return hits;
  }

  private static void requireWhole(ByteBuffer tile, int id) {
    long first = tile.getLong(0);
    if (first >>> 32 != id) {
      throw new AssertionError("tile of key " + (first >>> 32) + " read as " + id);
    }
    for (int i = 1; i < LONGS; i++) {
      if (tile.getLong(i * Long.BYTES) != first) {
        throw new AssertionError("torn tile of key " + id + " at byte " + i * Long.BYTES);
      }
    }
  }
}
