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
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.BatchPlan;
import org.tilekv.CacheStats;
import org.tilekv.EvictionOrder;
import org.tilekv.EvictionReason;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.PlannedRows;

/** A cache that is told the future, rightly or wrongly. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TileCachePlansTest {

  private static final int ROUNDS = 20;
  private static final int CALLS = 20_000;
  private static final int[] FIRST = {1, 2, 3, 4, 0};
  private static final int[] SECOND = {5, 6, 7, 8, 0};
  private static final int[] THIRD = {9, 8, 7, 6, 0};

  private static BatchPlan plan(TileCache cache, int[]... prompts) {
    return StaticPlan.of(cache.options().namespace(), null, prompts, TestCaches.TILE_TOKENS);
  }

  @Test
  void aTileThatALaterRowNeedsOutlivesNewerOnes() {
    try (TileCache cache = TestCaches.cache(3);
        PlannedRows rows = cache.plan(plan(cache, FIRST, SECOND, THIRD, FIRST))) {
      TestCaches.compute(cache, FIRST);
      TestCaches.compute(cache, SECOND);
      rows.reached(2);
      TestCaches.compute(cache, THIRD);
      assertThat(TestCaches.resident(cache, FIRST)).isEqualTo(4);
      assertThat(TestCaches.resident(cache, SECOND)).isZero();
      assertThat(cache.stats().evictions()).isEqualTo(Map.of(EvictionReason.NOT_NEEDED, 1L));
      rows.reached(4);
      TestCaches.compute(cache, SECOND);
      assertThat(TestCaches.resident(cache, FIRST)).isZero();
      cache.checkIntegrity();
    }
  }

  @Test
  void whatIsNeededFurthestAwayGoesWhereAllIsNeeded() {
    try (TileCache cache = TestCaches.cache(3);
        PlannedRows rows = cache.plan(plan(cache, FIRST, SECOND, THIRD, SECOND, FIRST))) {
      TestCaches.compute(cache, FIRST);
      TestCaches.compute(cache, SECOND);
      TestCaches.compute(cache, THIRD);
      rows.reached(0);
      assertThat(TestCaches.resident(cache, FIRST)).isZero();
      assertThat(TestCaches.resident(cache, SECOND)).isEqualTo(4);
      assertThat(cache.stats().evictions()).isEqualTo(Map.of(EvictionReason.FURTHEST_USE, 1L));
    }
  }

  @Test
  void lruDoesNotListen() {
    TileCacheOptions options =
        TestCaches.options(KvDtype.INT8, 3, 4, EvictionOrder.LRU, new AtomicLong());
    try (TileCache cache = TileCache.create(options);
        PlannedRows rows = cache.plan(plan(cache, FIRST, SECOND, THIRD, FIRST))) {
      TestCaches.compute(cache, FIRST);
      TestCaches.compute(cache, SECOND);
      rows.reached(2);
      TestCaches.compute(cache, THIRD);
      assertThat(TestCaches.resident(cache, FIRST)).isZero();
      assertThat(cache.stats().evictions()).isEqualTo(Map.of(EvictionReason.LEAST_RECENT, 1L));
    }
  }

  @ParameterizedTest
  @EnumSource(EvictionOrder.class)
  void aPlanOutlivesItsCache(EvictionOrder order) {
    TileCacheOptions options = TestCaches.options(KvDtype.INT8, 3, 4, order, new AtomicLong());
    PlannedRows rows;
    try (TileCache cache = TileCache.create(options)) {
      rows = cache.plan(plan(cache, FIRST));
    }
    rows.reached(1);
    rows.close();
    rows.close();
  }

  /** A row that was set back and is computed again is only once a use of its tiles. */
  @Test
  void aSequenceTellsOnceThatItsPromptIsInPlace() {
    try (TileCache cache = TestCaches.cache(3);
        PlannedRows rows = cache.plan(plan(cache, FIRST, FIRST, SECOND))) {
      rows.reached(0);
      try (KvSequence sequence = TestCaches.open(cache, FIRST)) {
        assertThat(sequence.reserve(12)).isTrue();
        sequence.commit(0, FIRST, 0, 5);
        sequence.commit(0, new int[6], 0, 6);
      }
      TestCaches.compute(cache, SECOND);
      TestCaches.compute(cache, THIRD);
      // The second row has yet to come: its tile is kept, although it is the oldest.
      assertThat(TestCaches.resident(cache, FIRST)).isEqualTo(4);
    }
  }

  /** Any plan, any time: bytes, books and answers are right, in one thread and in several. */
  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void wrongPlansDoNoHarm(int threads) throws Exception {
    long seed = System.nanoTime();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try (TileCache cache = TestCaches.cache(24, 16, new AtomicLong())) {
      Prompts prompts = new Prompts(new Random(seed), 24);
      List<RandomPlans> plans = new ArrayList<>();
      List<CacheWorker> workers = new ArrayList<>();
      for (int owner = 0; owner < threads; owner++) {
        RandomPlans own = new RandomPlans(cache, prompts, new Random(~seed - owner));
        plans.add(own);
        workers.add(new CacheWorker(cache, prompts, owner, new Random(seed + owner), own::step));
      }
      for (int round = 0; round < ROUNDS; round++) {
        runRound(pool, workers, CALLS / ROUNDS / threads);
        cache.checkIntegrity();
        workers.forEach(CacheWorker::verify);
      }
      requireAllGivenBack(cache, workers, plans);
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    } finally {
      pool.shutdownNow();
    }
  }

  private static void runRound(ExecutorService pool, List<CacheWorker> workers, int calls)
      throws Exception {
    List<Future<?>> running = new ArrayList<>();
    for (CacheWorker worker : workers) {
      running.add(pool.submit(() -> worker.work(calls)));
    }
    for (Future<?> future : running) {
      future.get();
    }
  }

  private static void requireAllGivenBack(
      TileCache cache, List<CacheWorker> workers, List<RandomPlans> plans) {
    workers.forEach(CacheWorker::closeAll);
    plans.forEach(RandomPlans::closeAll);
    cache.checkIntegrity();
    CacheStats stats = cache.stats();
    assertThat(plans).allSatisfy(each -> assertThat(each.opened).isGreaterThan(3));
    assertThat(stats.evictions().keySet())
        .contains(EvictionReason.NOT_NEEDED, EvictionReason.FURTHEST_USE);
    assertThat(stats.evictions().values().stream().mapToLong(n -> n).sum())
        .isEqualTo(stats.evictedTiles());
    cache.clear();
    assertThat(cache.stats().freePages()).isEqualTo(stats.pages());
  }
}
