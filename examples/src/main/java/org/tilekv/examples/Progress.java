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
package org.tilekv.examples;

import java.io.PrintStream;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Prints every few seconds how many rows are done while a pass runs. */
final class Progress implements AutoCloseable {

  private static final int PERIOD_SECONDS = 5;

  private final ClusterNumbers cluster;
  private final long rowsBefore;
  private final PrintStream out;
  private final long start = System.nanoTime();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "progress");
            thread.setDaemon(true);
            return thread;
          });

  Progress(ClusterNumbers cluster, Map<String, ExecutorNumbers> before, PrintStream out) {
    this.cluster = cluster;
    this.rowsBefore = rows(before);
    this.out = out;
    timer.scheduleAtFixedRate(this::printLine, PERIOD_SECONDS, PERIOD_SECONDS, TimeUnit.SECONDS);
  }

  private void printLine() {
    long rows = rows(cluster.latest()) - rowsBefore;
    double seconds = (System.nanoTime() - start) / 1e9;
    out.printf(
        Locale.ROOT, "  %,d rows done after %.0f s (%.1f rows/s)%n", rows, seconds, rows / seconds);
  }

  private static long rows(Map<String, ExecutorNumbers> executors) {
    return executors.values().stream().mapToLong(ExecutorNumbers::rows).sum();
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
