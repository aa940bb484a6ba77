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
import java.util.Map;
import java.util.Set;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.ExecutorView;
import org.tilekv.coordinator.PlacementMode;
import org.tilekv.coordinator.PlacementReason;

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
    gauge("epoch", coordinator::epoch);
    gauge("executorsAlive", () -> (long) coordinator.aliveExecutors());
    gauge("executorsLeaving", () -> (long) coordinator.stats().leavingExecutors());
    gauge("executorsExpired", () -> coordinator.stats().expiredExecutors());
    gauge("executorsRemoved", () -> coordinator.stats().removedExecutors());
    gauge("messagesRefused", () -> sum(coordinator.stats().refused()));
    for (PlacementReason reason : PlacementReason.values()) {
      gauge(nameOf(reason), () -> coordinator.stats().placements().getOrDefault(reason, 0L));
    }
    gauge("placementDegraded", () -> isDegraded() ? 1L : 0L);
    gauge("placementDegradedSwitches", () -> coordinator.stats().degradedSwitches());
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

  private static String nameOf(PlacementReason reason) {
    return switch (reason) {
      case RESIDENT -> "placedResident";
      case MOVED_FOR_LOAD -> "placedMovedForLoad";
      case NEW -> "placedNew";
      case DEGRADED -> "placedDegraded";
    };
  }

  private boolean isDegraded() {
    return coordinator.stats().placementMode() == PlacementMode.DEGRADED;
  }

  private static long sum(Map<?, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
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
    return coordinator.executor(executorId).map(ExecutorView::stats).orElse(ExecutorStats.ZERO);
  }
}
