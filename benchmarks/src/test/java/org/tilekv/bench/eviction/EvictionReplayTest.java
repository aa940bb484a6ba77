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
package org.tilekv.bench.eviction;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.EvictionOrder;

/** The optimum is one, and the cache reaches it where it can know the future. */
class EvictionReplayTest {

  private static final int TILE_TOKENS = 8;
  private static final int IN_FLIGHT = 3;
  private final long seed = System.nanoTime();

  private static long hits(RowTrace trace, TilePool pool) {
    try (pool) {
      new RowWindow(IN_FLIGHT, pool).replay(trace);
      return pool.hitTiles();
    }
  }

  private static long hits(RowTrace trace, int tiles, EvictionOrder order) {
    return hits(trace, new CachePool(trace, tiles, IN_FLIGHT, TILE_TOKENS, order));
  }

  private static long optimum(RowTrace trace, int tiles) {
    return hits(trace, new OptimalPool(trace, tiles, TILE_TOKENS));
  }

  @Test
  void aPlanOfAllRowsReachesTheOptimum() {
    Traces traces = new Traces(seed, 16, 6, 64 * TILE_TOKENS);
    for (RowTrace trace : List.of(traces.randomOrder(), traces.sorted())) {
      for (int tiles : new int[] {150, 250, 500}) {
        long most = optimum(trace, tiles);
        assertThat(hits(trace, tiles, EvictionOrder.PLAN))
            .as("seed %d, %s, %d tiles", seed, trace.name(), tiles)
            .isEqualTo(most);
        assertThat(hits(trace, tiles, EvictionOrder.LRU)).isLessThanOrEqualTo(most);
      }
    }
  }

  @Test
  void plansOfTwoJobsComeNearIt() {
    RowTrace trace = new Traces(seed, 16, 12, 64 * TILE_TOKENS).twoJobs();
    for (int tiles : new int[] {250, 500}) {
      assertThat((double) hits(trace, tiles, EvictionOrder.PLAN))
          .as("seed %d, %d tiles", seed, tiles)
          .isBetween(0.9 * optimum(trace, tiles), (double) optimum(trace, tiles));
    }
  }

  @Test
  void noChoiceOfTilesHasMoreHitsThanTheOptimum() {
    Random random = new Random(seed);
    long all = 0;
    for (int round = 0; round < 300; round++) {
      RowTrace trace = tiny(random);
      int pages = 8 + random.nextInt(5);
      int inFlight = 1 + random.nextInt(2);
      OptimalPool optimum = new OptimalPool(trace, pages, 1);
      new RowWindow(inFlight, optimum).replay(trace);
      assertThat(optimum.hitTiles())
          .as("seed %d, round %d", seed, round)
          .isEqualTo(new ExhaustiveSearch(trace, pages, inFlight).mostHits());
      all += optimum.hitTiles();
    }
    assertThat(all).isPositive();
  }

  /** Prompts of one to three tiles of a token, and one token more. */
  private static RowTrace tiny(Random random) {
    List<TraceRow> rows = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      int[] prompt = random.ints(2 + random.nextInt(3), 0, 2).toArray();
      rows.add(new TraceRow(0, i, prompt, new int[random.nextInt(2)], 1 + random.nextInt(3)));
    }
    return new RowTrace("tiny", 1, rows);
  }
}
