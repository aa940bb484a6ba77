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
package org.tilekv.bench;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.tier.HostTileCache;
import org.tilekv.tier.TileKey;

/**
 * Reading and overwriting random tiles of the host tier, whose 384 MiB are far beyond the L3 cache,
 * beside plain copies of the same bytes, and Caffeine as an index over an off-heap slab and as a
 * map of byte arrays.
 *
 * <p>The plain copies and Caffeine over a slab do not protect a tile against eviction while it is
 * read; Caffeine locks the entry that is overwritten. So both are lower bounds for a safe cache.
 *
 * <pre>
 * java ... org.openjdk.jmh.Main HostTileCacheBenchmark -t 1 -prof org.tilekv.bench.CpuTimeProfiler
 * java ... org.openjdk.jmh.Main HostTileCacheBenchmark -t 2 -prof org.tilekv.bench.CpuTimeProfiler
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx2g"})
@SuppressWarnings("NullAway.Init") // JMH calls the set-up before a benchmark.
public class HostTileCacheBenchmark {
  private static final int WORKING_SET_BYTES = 384 << 20;

  @Param({"65536", "262144"})
  int tileBytes;

  private int tiles;
  private TileKey[] keys;
  private byte[] heap;
  private ByteBuffer slab;
  private HostTileCache tileKv;
  private Cache<TileKey, Integer> slabIndex;
  private Cache<TileKey, byte[]> arrays;

  /** A thread's own tile. */
  @State(Scope.Thread)
  public static class Buffer {
    private byte[] tile;

    @Setup
    public void allocate(HostTileCacheBenchmark benchmark) {
      tile = new byte[benchmark.tileBytes];
      new Random(1).nextBytes(tile);
    }
  }

  /** Only what a benchmark needs: the others' memory would disturb it. */
  @Setup(Level.Trial)
  public void fill(BenchmarkParams params) {
    tiles = WORKING_SET_BYTES / tileBytes;
    keys = new TileKey[tiles];
    Random random = new Random(7);
    for (int i = 0; i < tiles; i++) {
      keys[i] =
          new TileKey(
              random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong(), i % 8);
    }
    String name = params.getBenchmark();
    if (name.contains("tileKv")) {
      fillTileKv();
    } else if (name.contains("Arrays")) {
      arrays = Caffeine.newBuilder().maximumSize(tiles).build();
      for (TileKey key : keys) {
        arrays.put(key, new byte[tileBytes]);
      }
    } else if (name.contains("onHeap")) {
      heap = new byte[WORKING_SET_BYTES];
    } else {
      slab = ByteBuffer.allocateDirect(WORKING_SET_BYTES);
      slabIndex = Caffeine.newBuilder().maximumSize(tiles).build();
      for (int i = 0; i < tiles; i++) {
        slabIndex.put(keys[i], i * tileBytes);
      }
    }
  }

  private void fillTileKv() {
    TileGeometry geometry = new TileGeometry(1, 8, tileBytes / 256, 64, KvDtype.BFLOAT16);
    if (geometry.tileBytes() != tileBytes) {
      throw new IllegalStateException("a tile has " + geometry.tileBytes() + " bytes");
    }
    tileKv = HostTileCache.create(geometry, new byte[32], WORKING_SET_BYTES);
    for (TileKey key : keys) {
      tileKv.put(key, new byte[tileBytes], 0);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    if (tileKv != null) {
      tileKv.checkIntegrity();
      tileKv.close();
    }
  }

  private int anyTile() {
    return ThreadLocalRandom.current().nextInt(tiles);
  }

  @Benchmark
  public boolean tileKvGet(Buffer buffer) {
    return tileKv.get(keys[anyTile()], buffer.tile, 0);
  }

  @Benchmark
  public boolean tileKvPut(Buffer buffer) {
    return tileKv.put(keys[anyTile()], buffer.tile, 0);
  }

  @Benchmark
  public void directMemcpyGet(Buffer buffer) {
    slab.get(anyTile() * tileBytes, buffer.tile, 0, tileBytes);
  }

  @Benchmark
  public void directMemcpyPut(Buffer buffer) {
    slab.put(anyTile() * tileBytes, buffer.tile, 0, tileBytes);
  }

  @Benchmark
  public void onHeapMemcpyGet(Buffer buffer) {
    System.arraycopy(heap, anyTile() * tileBytes, buffer.tile, 0, tileBytes);
  }

  @Benchmark
  public void onHeapMemcpyPut(Buffer buffer) {
    System.arraycopy(buffer.tile, 0, heap, anyTile() * tileBytes, tileBytes);
  }

  @Benchmark
  public boolean caffeineSlabGet(Buffer buffer) {
    Integer at = slabIndex.getIfPresent(keys[anyTile()]);
    if (at == null) {
      return false;
    }
    slab.get(at, buffer.tile, 0, tileBytes);
    return true;
  }

  @Benchmark
  public Integer caffeineSlabPut(Buffer buffer) {
    return slabIndex
        .asMap()
        .computeIfPresent(
            keys[anyTile()],
            (key, at) -> {
              slab.put(at, buffer.tile, 0, tileBytes);
              return at;
            });
  }

  @Benchmark
  public boolean caffeineArraysGet(Buffer buffer) {
    byte[] found = arrays.getIfPresent(keys[anyTile()]);
    if (found == null) {
      return false;
    }
    System.arraycopy(found, 0, buffer.tile, 0, tileBytes);
    return true;
  }

  @Benchmark
  public void caffeineArraysPut(Buffer buffer) {
    arrays.put(keys[anyTile()], buffer.tile.clone());
  }
}
