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
package org.tilekv.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.tilekv.CacheStats;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.attention.KvMemory;
import org.tilekv.cache.CacheTierOptions;
import org.tilekv.cache.FaultyTransfers;
import org.tilekv.cache.ManualTier;
import org.tilekv.cache.TierStats;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.prefix.Namespace;
import org.tilekv.tier.DirectAllocator;
import org.tilekv.tier.LowerTier;

/** A small job over a pool that is too small for it, with a tier below; on the test's thread. */
final class TieredJob {

  static final TileGeometry GEOMETRY = new TileGeometry(1, 2, 2, 4, KvDtype.FLOAT32);
  static final Namespace NAMESPACE = Namespace.builder().build();
  static final int GROUP_BYTES = GEOMETRY.kvHeads() * GEOMETRY.tileBytes();

  private static final int TILES = 26;
  private static final int ROWS = 6;
  private static final EngineConfig CONFIG =
      new EngineConfig(ROWS, 64, 16, 1000, true, false).withLoadWaitMs(50);

  final List<GenerationRequest> requests;
  final TileArena arena = TileArena.allocate(GEOMETRY, TILES * GEOMETRY.kvHeads());
  HostAllocator allocator = DirectAllocator.DIRECT;
  int faultyCopyOut;
  int faultyCopyIn;
  int spareRows = 4;
  int stagedTiles = 8;
  boolean loads = true;
  long msPerStep = 1;
  Consumer<ManualTier> begin = tier -> {};
  @Nullable EngineStats engineStats;
  @Nullable TierStats tierStats;
  @Nullable FaultyTransfers memory;

  TieredJob(List<GenerationRequest> requests) {
    this.requests = requests;
  }

  /** Rows in waves, so that later ones come back to what has left the pool. */
  static List<GenerationRequest> requests(long seed) {
    Random random = new Random(seed);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int[] prompt : EngineFixture.sharedHeaderPrompts(random, 3, 16)) {
      requests.add(EngineFixture.greedy(requests.size(), prompt, 4 + random.nextInt(12)));
    }
    return requests;
  }

  /** What the rows give without any cache. */
  static List<int[]> expected(List<GenerationRequest> requests) {
    EngineConfig config = new EngineConfig(ROWS, 64, 16, 0, false, false);
    TileCacheOptions options = options(400, ROWS, false);
    try (TileCache cache = TileCache.create(options)) {
      ContinuousBatchingEngine engine =
          new ContinuousBatchingEngine(
              new ArenaDecoder(cache.kvMemory()), cache, null, config, 4096, null, null, () -> 0);
      List<CompletableFuture<GenerationResult>> rows =
          requests.stream().map(engine::submit).toList();
      while (engine.runStep()) {
        continue;
      }
      return EngineFixture.tokens(rows.stream().map(CompletableFuture::join).toList());
    }
  }

  private static TileCacheOptions options(int tiles, int rows, boolean reuse) {
    return new TileCacheOptions(
        GEOMETRY, tiles * GEOMETRY.kvHeads(), rows, 64, NAMESPACE, 1 << 30, reuse, () -> 0);
  }

  /** Runs the job; the tier is closed with it. */
  List<int[]> run(LowerTier below, long seed) {
    Random random = new Random(seed);
    TileCacheOptions options = options(TILES, ROWS + spareRows, true);
    FaultyTransfers transfers = new FaultyTransfers(arena, faultyCopyOut, faultyCopyIn);
    memory = transfers;
    long[] nowNs = {0};
    try (TileCache cache = TileCache.create(options, transfers)) {
      CacheTierOptions tierOptions =
          new CacheTierOptions((long) stagedTiles * GROUP_BYTES, 1, allocator);
      ManualTier tier = new ManualTier(cache, below, tierOptions);
      begin.accept(tier);
      ContinuousBatchingEngine engine =
          new ContinuousBatchingEngine(
              new ArenaDecoder(new KvMemory(cache.table(), arena)),
              cache,
              null,
              CONFIG,
              4096,
              null,
              loads ? tier.tier : null,
              () -> nowNs[0]);
      List<CompletableFuture<GenerationResult>> rows =
          requests.stream().map(engine::submit).toList();
      for (int step = 0; engine.runStep(); step++) {
        assertThat(step).as("steps without an end").isLessThan(20_000);
        nowNs[0] += msPerStep * 1_000_000;
        tier.runSome(random);
      }
      engineStats = engine.stats();
      tierStats = tier.tier.stats();
      tier.tier.close();
      requireNothingLeft(cache, tier);
      return EngineFixture.tokens(rows.stream().map(CompletableFuture::join).toList());
    }
  }

  private static void requireNothingLeft(TileCache cache, ManualTier tier) {
    cache.checkIntegrity();
    CacheStats stats = cache.stats();
    assertThat(stats.pinnedPages()).isZero();
    assertThat(stats.openSequences()).isZero();
    assertThat(cache.loading()).isFalse();
    assertThat(tier.allocatedSlots()).isZero();
  }
}
