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
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.tilekv.config.Settings;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.CoordinatorStats;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.ExecutorView;
import org.tilekv.coordinator.ShardMap;

/**
 * What the driver knows of the caches of its application: executors with their latest numbers, the
 * shard map. Each task sends its executor's numbers before it reports its result, so that they are
 * complete when a job is. Thread-safe.
 */
public final class TileKv {

  private static final long POLL_MS = 10;
  private static final long GRACE_MS = 2_000;

  private final TileKvDriver driver;

  private TileKv(TileKvDriver driver) {
    this.driver = driver;
  }

  /**
   * The view of a session's application.
   *
   * @throws org.tilekv.TileKvException where the plugin is not switched on
   */
  public static TileKv active(SparkSession session) {
    return active(session.sparkContext());
  }

  /** As {@link #active(SparkSession)}. */
  public static TileKv active(SparkContext context) {
    return new TileKv(TileKvDriver.require(context));
  }

  /**
   * Saves the tiles of all executors, those in their pools and in the tiers below, of every model
   * that is open, for a later application. One small task runs on each executor; jobs may run
   * meanwhile. Executors without a free core are waited for, up to five minutes; the report says
   * how many were missed.
   *
   * @param uri directory in any Hadoop file system; parts of the same models and executors are
   *     replaced
   * @return files and tiles written
   * @throws org.tilekv.TileKvException where the plugin is not switched on, or {@code headShards}
   *     is above 1
   */
  public static SnapshotReport saveCache(SparkSession session, String uri) {
    return new SnapshotJob(session, uri, null).run();
  }

  /**
   * Loads what {@link #saveCache} saved into every executor, as far as its pool and the tiers below
   * have room: all parts into each. Damaged parts give the tiles before the damage, and are
   * counted.
   *
   * @param model directory of the model, which is opened where it is not yet
   * @throws org.tilekv.TileKvException where there is no snapshot, or one of another model, dtype
   *     or tile size only; the message names both. Also where {@code headShards} is above 1
   */
  public static SnapshotReport loadCache(SparkSession session, String model, String uri) {
    return new SnapshotJob(session, uri, model).run();
  }

  private Coordinator coordinator() {
    return driver.coordinator();
  }

  /** Executors that are alive, in order of registration. */
  public List<ExecutorView> executors() {
    return coordinator().executors().stream().filter(ExecutorView::alive).toList();
  }

  /** Numbers of all executors there ever were, added up. */
  public ExecutorStats totals() {
    return coordinator().stats().total();
  }

  /** Number of the shard maps; it rises when executors come or go. */
  public long epoch() {
    return coordinator().stats().epoch();
  }

  /** The coordinator's own numbers. */
  public CoordinatorStats stats() {
    return coordinator().stats();
  }

  /** The map of jobs that cut their rows into so many sequence groups. */
  public ShardMap shardMap(int groups) {
    return coordinator().shardMap(groups);
  }

  /**
   * Waits until every executor that is alive has sent its numbers after this call began, at most
   * two seconds longer than a heartbeat takes. Only needed while tasks run.
   *
   * @return whether all have
   */
  public boolean refresh() {
    long start = System.nanoTime();
    long limitMs = driver.config().get(Settings.HEARTBEAT_INTERVAL_MS) + GRACE_MS;
    while (true) {
      long elapsedMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      if (executors().stream().allMatch(view -> view.silentMs() < elapsedMs)) {
        return true;
      }
      if (elapsedMs > limitMs) {
        return false;
      }
      try {
        TimeUnit.MILLISECONDS.sleep(POLL_MS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
  }
}
