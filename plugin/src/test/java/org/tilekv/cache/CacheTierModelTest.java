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

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tilekv.KvDtype;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.CacheModel.Tile;
import org.tilekv.cache.MapTier.Fault;
import org.tilekv.tier.DirectAllocator;

/**
 * Random work over a small pool with a tier below it: every byte of every tile that came back, and,
 * while nothing fails and nothing is dropped, that a tile once published is in one place or the
 * other.
 */
class CacheTierModelTest {

  private static final int ROUNDS = 100;

  /**
   * By then a run with faults has met each kind of trouble; at 100 rounds one in fifteen has not.
   */
  private static final int MOST_ROUNDS = 2000;

  @ParameterizedTest
  @CsvSource({"BFLOAT16, 5, 1000, false", "FLOAT32, 9, 1000, false", "INT8, 7, 3, true"})
  void tilesMoveWithTheirBytes(KvDtype dtype, int tiles, int staged, boolean faults) {
    long seed = System.nanoTime();
    try {
      run(dtype, tiles, staged, faults, seed);
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  private static void run(KvDtype dtype, int tiles, int staged, boolean faults, long seed) {
    Random random = new Random(seed);
    ManualExecutor writes = new ManualExecutor();
    ManualExecutor reads = new ManualExecutor();
    TileCache cache = TileCache.create(TestCaches.options(dtype, tiles, 8, new AtomicLong()));
    MapTier below = new MapTier(cache.groupBytes());
    CacheTierOptions options =
        new CacheTierOptions((long) staged * cache.groupBytes(), 1, DirectAllocator.DIRECT);
    CacheTier tier = new CacheTier(cache, below, options, writes, reads, System::nanoTime);
    Prompts prompts = new Prompts(random, 24);
    CacheWorker worker = new CacheWorker(cache, prompts, 0, random, () -> {});
    for (int round = 0; round < ROUNDS || goesOn(round, faults, tier.stats()); round++) {
      for (int turn = 0; turn < 10; turn++) {
        below.fault = faults ? fault(random) : Fault.NONE;
        turn(random, tier, prompts, writes, reads);
        worker.work(2);
      }
      below.fault = Fault.NONE;
      writes.runAll();
      reads.runAll();
      writes.runAll();
      cache.checkIntegrity();
      tier.checkIntegrity();
      worker.verify();
      if (!faults) {
        requireAllSomewhere(cache, tier, prompts, worker, random);
      }
    }
    worker.closeAll();
    TierStats stats = tier.stats();
    assertThat(stats.loadedTiles()).isPositive();
    assertThat(stats.cleanEvictions()).isPositive();
    assertThat(stats.droppedUnsaved() > 0).isEqualTo(faults);
    assertThat(stats.failedLoads() > 0).isEqualTo(faults);
    tier.close();
    assertThat(tier.allocatedSlots()).isZero();
    cache.clear();
    assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
    cache.close();
  }

  private static boolean goesOn(int round, boolean faults, TierStats stats) {
    boolean met = stats.droppedUnsaved() > 0 && stats.failedLoads() > 0;
    return faults && !met && round < MOST_ROUNDS;
  }

  private static Fault fault(Random random) {
    return random.nextInt(3) > 0
        ? Fault.NONE
        : Fault.values()[random.nextInt(Fault.values().length)];
  }

  private static void turn(
      Random random, CacheTier tier, Prompts prompts, ManualExecutor writes, ManualExecutor reads) {
    switch (random.nextInt(4)) {
      case 0 -> writes.runAny(random);
      case 1 -> reads.runAny(random);
      default -> {
        SequenceRequest request = prompts.next(random, 0);
        if (tier.loadableTokens(request, 0) > 0) {
          CompletableFuture<Void> unused = tier.load(request);
        }
      }
    }
  }

  private static void requireAllSomewhere(
      TileCache cache, CacheTier tier, Prompts prompts, CacheWorker worker, Random random) {
    CacheModel everything = new CacheModel(1, 1, TestCaches.TILE_TOKENS);
    worker.published().forEach(path -> everything.publish(new Tile(), path));
    for (int i = 0; i < 20; i++) {
      SequenceRequest request = prompts.next(random, 0);
      int resident = cache.residentPrefix(request).tiles() * TestCaches.TILE_TOKENS;
      int published = everything.match(request).size() * TestCaches.TILE_TOKENS;
      assertThat(tier.loadableTokens(request, resident))
          .isEqualTo(request.reusePrefix() ? published : resident);
    }
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void threadsNeverSeeForeignBytes() throws Exception {
    long seed = System.nanoTime();
    ExecutorService pool = Executors.newFixedThreadPool(3);
    try (TileCache cache =
        TileCache.create(TestCaches.options(KvDtype.FLOAT32, 12, 20, new AtomicLong()))) {
      CacheTierOptions options =
          new CacheTierOptions(6L * cache.groupBytes(), 2, DirectAllocator.DIRECT);
      MapTier below = new MapTier(cache.groupBytes());
      CacheTier tier = CacheTier.open(cache, below, options);
      runThreads(pool, cache, tier, seed);
      assertThat(tier.stats().loadedTiles()).isPositive();
      assertThat(tier.stats().savedTiles()).isPositive();
      tier.close();
      assertThat(tier.allocatedSlots()).isZero();
      cache.checkIntegrity();
      assertThat(cache.stats().pinnedPages()).isZero();
      assertThat(cache.loading()).isFalse();
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    } finally {
      pool.shutdownNow();
    }
  }

  private static void runThreads(ExecutorService pool, TileCache cache, CacheTier tier, long seed)
      throws Exception {
    Prompts prompts = new Prompts(new Random(seed), 24);
    List<Future<?>> running = new ArrayList<>();
    for (int owner = 0; owner < 3; owner++) {
      Random random = new Random(seed + owner);
      CacheWorker worker = new CacheWorker(cache, prompts, owner, random, () -> {});
      running.add(
          pool.submit(
              () -> {
                for (int turn = 0; turn < 2000; turn++) {
                  worker.work(4);
                  SequenceRequest request = prompts.next(random, 9);
                  if (tier.loadableTokens(request, 0) > 0 && random.nextBoolean()) {
                    tier.load(request).get(30, TimeUnit.SECONDS);
                  }
                }
                worker.verify();
                worker.closeAll();
                return null;
              }));
    }
    for (Future<?> future : running) {
      future.get();
    }
  }
}
