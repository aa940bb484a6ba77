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
import java.util.HashSet;
import java.util.Set;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.ExecutorView;

/**
 * Gauges of the driver: cluster totals, and the same for each executor, because Spark offers no
 * executor metrics of plugins at the driver. {@link #addNewExecutors} is confined to one thread.
 */
final class DriverMetrics {

  private final MetricRegistry registry;
  private final Coordinator coordinator;
  private final Set<String> known = new HashSet<>();

  DriverMetrics(MetricRegistry registry, Coordinator coordinator) {
    this.registry = registry;
    this.coordinator = coordinator;
    gauge("epoch", () -> coordinator.stats().epoch());
    gauge("executorsAlive", () -> (long) coordinator.stats().aliveExecutors());
    gauge("executorsExpired", () -> coordinator.stats().expiredExecutors());
    gauge("executorsRemoved", () -> coordinator.stats().removedExecutors());
    StatsGauges.register(registry, "total.", () -> coordinator.stats().total());
  }

  /** Gauges for what the planner does. */
  void add(PlanCounters plans) {
    gauge("plannedJobs", plans::jobs);
    gauge("jobsLeftUnplanned", plans::skippedJobs);
    gauge("plannedRows", plans::rows);
    gauge("plannedSavedTokens", plans::savedTokens);
    gauge("planningMillis", plans::millis);
  }

  private void gauge(String name, Gauge<Long> gauge) {
    registry.gauge(name, () -> gauge);
  }

  /** Gauges for executors that came since the last call; those of lost ones stay as they were. */
  void addNewExecutors() {
    for (ExecutorView view : coordinator.executors()) {
      String id = view.executorId();
      if (known.add(id)) {
        StatsGauges.register(registry, "executor." + id + ".", () -> statsOf(id));
      }
    }
  }

  private ExecutorStats statsOf(String executorId) {
    return coordinator.executors().stream()
        .filter(view -> view.executorId().equals(executorId))
        .map(ExecutorView::stats)
        .findFirst()
        .orElse(ExecutorStats.ZERO);
  }
}
