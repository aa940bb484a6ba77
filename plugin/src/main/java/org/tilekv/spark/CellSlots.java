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

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.tilekv.TileKvException;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorView;

/**
 * The task slots that cells need at once: Spark starts a barrier stage whole or not at all, and
 * asks for too many slots again and again for minutes. So there is a look before.
 */
final class CellSlots {

  private static final Pattern LOCAL_CLUSTER =
      Pattern.compile("local-cluster\\[\\s*(\\d+)\\s*,.*]");
  private static final long POLL_MS = 50;
  private static final long CELL_WAIT_MS = TimeUnit.MINUTES.toMillis(3);

  private final Coordinator coordinator;
  private final SparkConf conf;

  CellSlots(Coordinator coordinator, SparkConf conf) {
    this.coordinator = coordinator;
    this.conf = conf;
  }

  /** Refuses what barrier stages cannot do. */
  static void requireBarrierStages(SparkConf conf) {
    if (conf.getBoolean("spark.dynamicAllocation.enabled", false)) {
      throw new TileKvException(
          "spark.tilekv.headShards above 1 runs in barrier stages, which Spark refuses with"
              + " spark.dynamicAllocation.enabled=true; set it to false, or headShards to 1");
    }
  }

  /**
   * Cells that can work at once; waits for executors that are about to come.
   *
   * @throws TileKvException where not even one cell has enough slots
   */
  int cells(int shards, int inputPartitions) {
    await(shards);
    List<ExecutorView> executors = alive();
    int slots = slots(executors);
    if (slots < shards) {
      throw new TileKvException(
          "spark.tilekv.headShards is "
              + shards
              + ", so that as many tasks have to run at once; the "
              + executors.size()
              + " executors have "
              + slots
              + " task slots");
    }
    return Math.max(1, Math.min(inputPartitions, executors.size() / shards));
  }

  private void await(int shards) {
    long start = System.nanoTime();
    while (!ready(shards, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))) {
      try {
        TimeUnit.MILLISECONDS.sleep(POLL_MS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new TileKvException("the wait for executors was interrupted", e);
      }
    }
  }

  /** Whether no more executors are to be waited for: a while for all, longer for one cell's. */
  private boolean ready(int shards, long waitedMs) {
    List<ExecutorView> executors = alive();
    boolean enough = slots(executors) >= shards;
    if (executors.size() >= expectedExecutors() && (enough || isFixed())) {
      return true;
    }
    return waitedMs > (enough ? waitForAllMs() : Math.max(waitForAllMs(), CELL_WAIT_MS));
  }

  private long waitForAllMs() {
    return conf.getTimeAsMs("spark.scheduler.maxRegisteredResourcesWaitingTime", "30s");
  }

  private List<ExecutorView> alive() {
    return coordinator.executors().stream().filter(ExecutorView::placeable).toList();
  }

  private int slots(List<ExecutorView> executors) {
    return executors.stream().mapToInt(executor -> slots(executor.cores())).sum();
  }

  /** Tasks that an executor of so many cores runs at once. */
  int slots(int cores) {
    return cores / conf.getInt("spark.task.cpus", 1);
  }

  /** Whether there will never be more executors than those that are expected. */
  private boolean isFixed() {
    String master = conf.get("spark.master", "");
    return master.startsWith("local");
  }

  private int expectedExecutors() {
    Matcher cluster = LOCAL_CLUSTER.matcher(conf.get("spark.master", ""));
    return cluster.matches()
        ? Integer.parseInt(cluster.group(1))
        : conf.getInt("spark.executor.instances", 1);
  }
}
