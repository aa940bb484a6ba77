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

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.tilekv.coordinator.ExecutorStats;

/** {@link ExecutorStats} as gauges of a metric registry. */
final class StatsGauges {

  private StatsGauges() {}

  /** Registers a gauge for each number, its name behind the prefix. */
  static void register(MetricRegistry registry, String prefix, Supplier<ExecutorStats> stats) {
    gauge(registry, prefix + "rows", stats, ExecutorStats::rows);
    gauge(registry, prefix + "failedRows", stats, ExecutorStats::failedRows);
    gauge(registry, prefix + "promptTokens", stats, ExecutorStats::promptTokens);
    gauge(registry, prefix + "promptTokensComputed", stats, ExecutorStats::computedTokens);
    gauge(registry, prefix + "promptTokensReused", stats, ExecutorStats::reusedTokens);
    gauge(registry, prefix + "outputTokens", stats, ExecutorStats::outputTokens);
    gauge(registry, prefix + "steps", stats, ExecutorStats::steps);
    gauge(registry, prefix + "decodeRows", stats, ExecutorStats::decodeRows);
    gauge(registry, prefix + "hitTiles", stats, ExecutorStats::hitTiles);
    gauge(registry, prefix + "missedTiles", stats, ExecutorStats::missedTiles);
    gauge(registry, prefix + "evictedTiles", stats, ExecutorStats::evictedTiles);
    gauge(registry, prefix + "preemptions", stats, ExecutorStats::preemptions);
    gauge(registry, prefix + "cellBytes", stats, ExecutorStats::cellBytes);
    gauge(registry, prefix + "fetchedTiles", stats, ExecutorStats::fetchedTiles);
    gauge(registry, prefix + "fetchedBytes", stats, ExecutorStats::fetchedBytes);
    gauge(registry, prefix + "receivedTiles", stats, ExecutorStats::receivedTiles);
    gauge(registry, prefix + "peerFailures", stats, ExecutorStats::peerFailures);
    gauge(registry, prefix + "savedTiles", stats, ExecutorStats::savedTiles);
    gauge(registry, prefix + "loadedTiles", stats, ExecutorStats::loadedTiles);
    gauge(registry, prefix + "failedLoads", stats, ExecutorStats::failedLoads);
    gauge(registry, prefix + "unsavedTiles", stats, ExecutorStats::unsavedTiles);
    gauge(registry, prefix + "pages", stats, ExecutorStats::pages);
    gauge(registry, prefix + "residentTiles", stats, ExecutorStats::residentTiles);
    gauge(registry, prefix + "freePages", stats, ExecutorStats::freePages);
    gauge(registry, prefix + "waitingRows", stats, ExecutorStats::waitingRows);
    gauge(registry, prefix + "runningRows", stats, ExecutorStats::runningRows);
  }

  private static void gauge(
      MetricRegistry registry,
      String name,
      Supplier<ExecutorStats> stats,
      ToLongFunction<ExecutorStats> value) {
    Gauge<Long> gauge = () -> value.applyAsLong(stats.get());
    registry.gauge(name, () -> gauge);
  }
}
