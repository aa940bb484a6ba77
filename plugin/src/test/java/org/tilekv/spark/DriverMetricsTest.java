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

import static org.assertj.core.api.Assertions.assertThat;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorReporter;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.Register;

class DriverMetricsTest {

  private final MetricRegistry registry = new MetricRegistry();
  private final Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> 0);

  private Object value(String name) {
    Gauge<?> gauge = registry.getGauges().get(name);
    assertThat(gauge).as(name).isNotNull();
    return gauge.getValue();
  }

  private void report(String executor, long rows) {
    ExecutorReporter reporter = new ExecutorReporter(new Register(executor, "host", 1, 0));
    ExecutorStats stats =
        new ExecutorStats(
            rows, 0, 100, 60, 40, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 7, 50, 3,
            2);
    reporter.answered(coordinator.receive(reporter.next(stats)));
    reporter.answered(coordinator.receive(reporter.next(stats)));
  }

  @Test
  void everyGaugeIsOnTheMetricsPage() throws Exception {
    DriverMetrics metrics = new DriverMetrics(registry, coordinator);
    metrics.add(new PlanCounters());
    report("1", 3);
    metrics.addNewExecutors();
    String page =
        Files.readString(Path.of(System.getProperty("basedir", "."), "..", "docs", "metrics.md"));
    for (String name : registry.getGauges().keySet()) {
      assertThat(page).contains("`" + name.substring(name.lastIndexOf('.') + 1) + "`");
    }
  }

  @Test
  void showsTotalsAndEachExecutor() {
    DriverMetrics metrics = new DriverMetrics(registry, coordinator);
    assertThat(value("executorsAlive")).isEqualTo(0L);
    report("1", 3);
    report("2", 4);
    metrics.addNewExecutors();
    metrics.addNewExecutors();
    assertThat(value("executorsAlive")).isEqualTo(2L);
    assertThat((Long) value("epoch")).isPositive();
    assertThat(value("total.rows")).isEqualTo(7L);
    assertThat(value("total.promptTokensReused")).isEqualTo(80L);
    assertThat(value("executor.1.rows")).isEqualTo(3L);
    assertThat(value("executor.2.residentTiles")).isEqualTo(7L);
    coordinator.executorLost("1");
    assertThat(value("executorsAlive")).isEqualTo(1L);
    assertThat(value("total.rows")).isEqualTo(7L);
  }
}
