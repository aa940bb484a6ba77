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
package org.tilekv.spark;

import java.util.Map;
import java.util.function.ToLongFunction;
import org.tilekv.CacheStats;
import org.tilekv.MissReason;
import org.tilekv.cache.TierStats;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.engine.EngineStats;
import org.tilekv.engine.ModelRuntime;

/** Counters of a model in the form that goes to the driver. */
final class RuntimeCounters {

  private RuntimeCounters() {}

  /** Counters and gauges of an open model. */
  static ExecutorStats of(ModelRuntime runtime) {
    return of(runtime, 1);
  }

  /** Counters alone: what stays of a model that closes. */
  static ExecutorStats withoutGauges(ModelRuntime runtime) {
    return of(runtime, 0);
  }

  private static ExecutorStats of(ModelRuntime runtime, int gauges) {
    EngineStats engine = runtime.engine().stats();
    CacheStats cache = runtime.cache().stats();
    int counts = runtime.reportsCache() ? 1 : 0;
    return new ExecutorStats(
        engine.rowsCompleted(),
        engine.rowsFailed(),
        engine.promptTokens(),
        engine.promptTokensComputed(),
        engine.promptTokensReused(),
        engine.outputTokens(),
        engine.steps(),
        engine.decodeRows(),
        counts * cache.hitTiles(),
        counts * missedTiles(cache),
        counts * cache.evictedTiles(),
        engine.preemptions(),
        engine.distinctPromptPositions(),
        runtime.cellBytes(),
        0,
        0,
        0,
        0,
        tiers(runtime, TierStats::savedTiles),
        tiers(runtime, TierStats::loadedTiles),
        tiers(runtime, TierStats::failedLoads),
        tiers(runtime, TierStats::droppedUnsaved),
        (long) gauges * cache.pages(),
        (long) gauges * cache.residentPages(),
        (long) gauges * cache.freePages(),
        (long) gauges * engine.waitingRows(),
        (long) gauges * engine.runningRows());
  }

  private static long tiers(ModelRuntime runtime, ToLongFunction<TierStats> counter) {
    return runtime.tierStats().stream().mapToLong(counter).sum();
  }

  /** Full tiles that were not there; the rest of a prompt that fills none is no miss of one. */
  private static long missedTiles(CacheStats cache) {
    return cache.missedTiles().entrySet().stream()
        .filter(entry -> entry.getKey() != MissReason.TOO_SHORT)
        .mapToLong(Map.Entry::getValue)
        .sum();
  }
}
