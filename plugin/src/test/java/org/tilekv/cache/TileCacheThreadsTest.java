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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tilekv.CacheStats;
import org.tilekv.KvDtype;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.CacheModel.Tile;

/**
 * Threads share one cache: 100,000 random calls in rounds. What positions hold is checked all the
 * time, the books and the mirror of the page table after each round; where nothing is evicted, what
 * is found then is exactly what has ever been published.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TileCacheThreadsTest {

  private static final int CALLS = 100_000;
  private static final int ROUNDS = 40;
  private static final int THREADS = 4;

  @ParameterizedTest
  @CsvSource({"BFLOAT16, 24, false", "INT8, 60000, true"})
  void threadsNeverSeeForeignBytes(KvDtype dtype, int tiles, boolean ample) throws Exception {
    long seed = System.nanoTime();
    AtomicLong clockMs = new AtomicLong();
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try (TileCache cache = TileCache.create(TestCaches.options(dtype, tiles, 16, clockMs))) {
      Prompts prompts = new Prompts(new Random(seed), 24);
      int[] mirror = cache.table().entries().clone();
      Runnable sync = () -> sync(cache, mirror);
      List<CacheWorker> workers = workers(cache, prompts, seed, sync);
      for (int round = 0; round < ROUNDS; round++) {
        runRound(pool, workers);
        sync.run();
        assertThat(mirror).isEqualTo(cache.table().entries());
        verify(cache, prompts, workers, ample);
        expire(cache, clockMs, workers);
      }
      requireAllGivenBack(cache, workers, ample);
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    } finally {
      pool.shutdownNow();
    }
  }

  /** One of the threads also brings the mirror up to date. */
  private static List<CacheWorker> workers(
      TileCache cache, Prompts prompts, long seed, Runnable sync) {
    List<CacheWorker> workers = new ArrayList<>();
    for (int owner = 0; owner < THREADS; owner++) {
      Runnable also = owner == 0 ? sync : () -> {};
      workers.add(new CacheWorker(cache, prompts, owner, new Random(seed + owner), also));
    }
    return workers;
  }

  private static void sync(TileCache cache, int[] mirror) {
    cache
        .table()
        .syncToDevice(
            (entries, from, to) -> System.arraycopy(entries, from, mirror, from, to - from));
  }

  private static void runRound(ExecutorService pool, List<CacheWorker> workers) throws Exception {
    List<Future<?>> running = new ArrayList<>();
    for (CacheWorker worker : workers) {
      running.add(pool.submit(() -> worker.work(CALLS / ROUNDS / THREADS)));
    }
    for (Future<?> future : running) {
      future.get();
    }
  }

  private static void verify(
      TileCache cache, Prompts prompts, List<CacheWorker> workers, boolean ample) {
    cache.checkIntegrity();
    workers.forEach(CacheWorker::verify);
    CacheStats stats = cache.stats();
    assertThat(stats.openSequences()).isEqualTo(sum(workers, w -> w.open().size()));
    assertThat(stats.sequencesOpened()).isEqualTo(sum(workers, w -> w.opened));
    assertThat(stats.promptTokens()).isEqualTo(sum(workers, w -> w.promptTokens));
    assertThat(stats.reusedTokens()).isEqualTo(sum(workers, w -> w.reusedTokens));
    assertThat(stats.evictedTiles() == 0).isEqualTo(ample);
    // The model's search over all names that were ever published.
    CacheModel everything = new CacheModel(1, 1, TestCaches.TILE_TOKENS);
    workers.forEach(worker -> worker.published().forEach(p -> everything.publish(new Tile(), p)));
    assertThat(stats.publishedTiles()).isGreaterThanOrEqualTo(everything.named.size());
    Random random = new Random(stats.promptTokens());
    for (int i = 0; i < 200; i++) {
      SequenceRequest request = prompts.next(random, 0);
      int found = cache.probe(request).residentTokens();
      int most = everything.probe(request, List.of()).residentTokens();
      assertThat(found).isBetween(ample ? most : 0, most);
    }
    requireHeldTilesResident(cache, workers);
  }

  /** Published tiles of open sequences are pinned, so that they are found. */
  private static void requireHeldTilesResident(TileCache cache, List<CacheWorker> workers) {
    for (CacheWorker worker : workers) {
      for (TrackedSequence sequence : worker.open()) {
        if (sequence.request.reusePrefix() && sequence.length() > 0) {
          int[] prompt = Arrays.copyOf(sequence.tokens(0), sequence.length() + 1);
          int full = sequence.length() - sequence.length() % TestCaches.TILE_TOKENS;
          assertThat(cache.probe(TestCaches.request(sequence.request.salt(), prompt)))
              .satisfies(probe -> assertThat(probe.residentTokens()).isGreaterThanOrEqualTo(full));
        }
      }
    }
  }

  private static void expire(TileCache cache, AtomicLong clockMs, List<CacheWorker> workers) {
    clockMs.addAndGet(TestCaches.TTL_MS + 1);
    int expected = 0;
    for (CacheWorker worker : workers) {
      expected += worker.renewSome();
    }
    assertThat(cache.expireLeases()).isEqualTo(expected);
  }

  private static void requireAllGivenBack(
      TileCache cache, List<CacheWorker> workers, boolean ample) {
    workers.forEach(CacheWorker::closeAll);
    cache.checkIntegrity();
    CacheStats stats = cache.stats();
    assertThat(stats.pinnedPages()).isZero();
    assertThat(stats.expiredLeases()).isPositive();
    assertThat(stats.hitTiles()).isPositive();
    assertThat(stats.partialHits()).isPositive();
    if (ample) {
      assertThat(stats.residentPages()).isEqualTo((int) stats.publishedTiles() * TestCaches.HEADS);
    }
    cache.clear();
    assertThat(cache.stats().freePages()).isEqualTo(stats.pages());
  }

  private static long sum(List<CacheWorker> workers, ToLongFunction<CacheWorker> count) {
    return workers.stream().mapToLong(count).sum();
  }
}
