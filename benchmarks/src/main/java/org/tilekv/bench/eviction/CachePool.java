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

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.tilekv.CacheStats;
import org.tilekv.EvictionOrder;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.PlannedRows;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;
import org.tilekv.cache.StaticPlan;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.prefix.Namespace;

/**
 * The cache itself, over tiles of a few bytes; with the plan of each job open where it is asked.
 */
final class CachePool implements TilePool {

  private static final Namespace NAMESPACE = Namespace.builder().build();

  private final TileCache cache;
  private final int tileTokens;
  private final List<Progress> jobs = new ArrayList<>();
  private final Map<TraceRow, KvSequence> inFlight = new IdentityHashMap<>();
  private long hitTiles;

  /** Rows of a job that have ended, of which only those without a gap are reported. */
  private static final class Progress {
    final PlannedRows plan;
    final TreeSet<Integer> ahead = new TreeSet<>();
    int reached;

    Progress(PlannedRows plan) {
      this.plan = plan;
    }

    void ended(int position) {
      ahead.add(position);
      while (ahead.remove(reached)) {
        reached++;
      }
      plan.reached(reached);
    }
  }

  CachePool(RowTrace trace, int tiles, int rowsInFlight, int tileTokens, EvictionOrder eviction) {
    this.tileTokens = tileTokens;
    TileGeometry geometry = new TileGeometry(1, 1, 1, tileTokens, KvDtype.INT8);
    int longest = trace.rows().stream().mapToInt(TraceRow::length).max().orElse(1);
    cache =
        TileCache.create(
            new TileCacheOptions(
                geometry,
                tiles,
                rowsInFlight,
                geometry.tilesFor(longest),
                NAMESPACE,
                Long.MAX_VALUE,
                true,
                eviction,
                () -> 0));
    for (int job = 0; job < trace.jobs(); job++) {
      jobs.add(
          new Progress(
              cache.plan(StaticPlan.of(NAMESPACE, null, trace.promptsOf(job), tileTokens))));
    }
  }

  @Override
  public boolean admit(TraceRow row) {
    KvSequence sequence =
        Objects.requireNonNull(cache.open(new SequenceRequest(row.prompt(), 0, null, true)));
    if (!sequence.reserve(row.length())) {
      sequence.close();
      return false;
    }
    int cached = sequence.cachedTokens();
    hitTiles += cached / tileTokens;
    sequence.commit(0, row.prompt(), cached, row.prompt().length - cached);
    inFlight.put(row, sequence);
    return true;
  }

  @Override
  public void finish(TraceRow row) {
    try (KvSequence sequence = Objects.requireNonNull(inFlight.remove(row))) {
      sequence.commit(0, row.answer(), 0, row.answer().length);
    }
    jobs.get(row.job()).ended(row.position());
  }

  @Override
  public long hitTiles() {
    return hitTiles;
  }

  CacheStats stats() {
    return cache.stats();
  }

  @Override
  public void close() {
    cache.checkIntegrity();
    jobs.forEach(job -> job.plan.close());
    cache.close();
  }
}
