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

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.TileKvException;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.ExecutorView;

/**
 * Runs one small task on every executor. A task is not sure to run where it should, since Spark
 * does not wait long for a busy executor: those that none has reached are tried again for a while.
 */
final class SnapshotJob {

  private static final Logger LOG = LoggerFactory.getLogger(SnapshotJob.class);
  private static final int LEAST_ROUNDS = 3;
  private static final long PAUSE_NS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long POLL_NS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long PATIENCE_NS = TimeUnit.MINUTES.toNanos(5);

  private final SparkSession session;
  private final String uri;
  private final @Nullable String model;

  /**
   * @param model directory of the model to load tiles for; null saves those of all open models
   */
  SnapshotJob(SparkSession session, String uri, @Nullable String model) {
    this.session = session;
    this.uri = uri;
    this.model = model;
  }

  /**
   * Numbers of all executors together.
   *
   * @throws TileKvException where models run with head shards, or nothing could be loaded
   */
  SnapshotReport run() {
    SparkContext context = session.sparkContext();
    requireWholeModels(TileKvDriver.require(context).config());
    String resolved = model == null ? null : ModelDirectory.resolve(model, context.isLocal());
    SnapshotTask task = new SnapshotTask(uri, resolved, context.hadoopConfiguration());
    Set<String> reached = new HashSet<>();
    SnapshotReport sum = SnapshotReport.reached("all");
    long start = System.nanoTime();
    if (model != null) {
      awaitExecutor(start);
    }
    List<ExecutorView> left = left(reached);
    for (int round = 0; !left.isEmpty() && mayTry(round, start); round++) {
      for (SnapshotReport report : run(task, left)) {
        if (reached.add(report.executor())) {
          sum = sum.plus(report);
        }
      }
      left = left(reached);
      if (!left.isEmpty()) {
        LockSupport.parkNanos(PAUSE_NS);
      }
    }
    if (!left.isEmpty()) {
      LOG.warn(
          "{} executors had no part in the snapshot at {}: they were busy, or are gone",
          left.size(),
          uri);
    }
    return checked(sum.withMissed(left.size()));
  }

  /** An application that has just begun may have no executor yet; one that works has registered. */
  private void awaitExecutor(long startNs) {
    if (!TileKv.active(session).executors().isEmpty()) {
      return;
    }
    JavaSparkContext.fromSparkContext(session.sparkContext()).parallelize(List.of(1), 1).count();
    while (TileKv.active(session).executors().isEmpty()
        && !Thread.currentThread().isInterrupted()
        && System.nanoTime() - startNs < PATIENCE_NS) {
      LockSupport.parkNanos(POLL_NS);
    }
  }

  private static boolean mayTry(int round, long startNs) {
    return round < LEAST_ROUNDS || System.nanoTime() - startNs < PATIENCE_NS;
  }

  /** Members of a cell must all do the same to their caches; a snapshot reads one after another. */
  private static void requireWholeModels(TileKvConfig config) {
    int shards = config.get(Settings.HEAD_SHARDS);
    if (shards > 1) {
      throw new TileKvException(
          Settings.HEAD_SHARDS.key()
              + " is "
              + shards
              + "; caches can be saved and loaded with 1 only");
    }
  }

  private List<ExecutorView> left(Set<String> reached) {
    return TileKv.active(session).executors().stream()
        .filter(view -> !reached.contains(view.executorId()))
        .toList();
  }

  private List<SnapshotReport> run(SnapshotTask task, List<ExecutorView> executors) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < executors.size(); i++) {
      numbers.add(i);
    }
    JavaRDD<Integer> rows = context.parallelize(numbers, executors.size());
    PlacedRdd<Integer> placed =
        new PlacedRdd<>(
            rows.rdd(), (partition, partitions) -> List.of(location(executors.get(partition))));
    return new JavaRDD<>(placed, rows.classTag())
        .mapPartitions(task).collect().stream().map(SnapshotReport::decode).toList();
  }

  private static String location(ExecutorView view) {
    return PlacedRdd.location(view.host(), view.executorId());
  }

  /** Where nothing could be loaded at all, that is the caller's mistake; damage is not. */
  private SnapshotReport checked(SnapshotReport sum) {
    if (model != null && sum.parts() == 0) {
      throw new TileKvException(
          sum.refused().isEmpty() ? "no executor could load " + uri : sum.refused());
    }
    if (!sum.refused().isEmpty()) {
      LOG.warn("a part of a snapshot was refused, its tiles are computed: {}", sum.refused());
    }
    return sum;
  }
}
