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

import static org.apache.spark.sql.functions.col;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaFutureAction;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.coordinator.ExecutorStats;

/** Executor processes whose pools hold too little, with tiles on disk below them. */
@Timeout(300)
class DiskTierClusterTest {

  private static final int ROWS = 120;
  private static final long POOL_BYTES = 16 << 20;
  // 8 layers x (K, V) x 2 heads x 16 tokens x 64 elements x 4 bytes
  private static final long TILE_BYTES = 128 << 10;

  @TempDir private Path disk;
  @TempDir private Path otherDisk;
  @TempDir private Path snapshot;

  private static SparkSession session(Path disk, String locality) throws IOException {
    return TestSpark.session(
        TestSpark.clusterConf()
            .set("spark.plugins", TileKvPlugin.class.getName())
            .set("spark.locality.wait", "0s")
            .set("spark.tilekv.locality.wait", locality)
            .set("spark.tilekv.disk.admission", "always")
            .set("spark.tilekv.maxBatchRows", "4")
            .set("spark.tilekv.rowsInFlightPerTask", "4")
            .set("spark.tilekv.pool.bytes", String.valueOf(POOL_BYTES))
            .set("spark.tilekv.disk.dirs", disk.toString()));
  }

  /** Answers are right; what the job did. */
  private static ExecutorStats generate(SparkSession spark) throws IOException {
    Dataset<Row> rows =
        RecordsData.rows(spark, ROWS).repartitionByRange(2, col("id")).sortWithinPartitions("id");
    KvGenerate generate =
        new KvGenerate()
            .setInputCol("prompt")
            .setModel(TestSpark.MODEL)
            .setMaxNewTokens(128)
            .setPlan("off");
    assertThat(RecordsData.wrong(generate.transform(rows))).isEmpty();
    return TileKv.active(spark).totals();
  }

  @Test
  void tilesThatLeaveThePoolComeBackAlsoInALaterApplication() throws Exception {
    ExecutorStats first;
    ExecutorStats second;
    try (SparkSession spark = session(disk, "10s")) {
      first = generate(spark);
      second = generate(spark);
    }
    assertThat(first.evictedTiles()).isPositive();
    assertThat(second.savedTiles()).isPositive();
    assertThat(second.loadedTiles()).isPositive();
    assertThat(second.failedLoads()).isZero();
    assertThat(files()).isNotEmpty();

    try (SparkSession spark = session(disk, "10s")) {
      ExecutorStats later = generate(spark);
      assertThat(later.loadedTiles()).isPositive();
      assertThat(later.failedLoads()).isZero();
    }
  }

  /** Pools hold the lesser part; another cluster takes in the whole. */
  @Test
  void aSnapshotHoldsWhatIsOnDiskToo() throws Exception {
    String uri = snapshot.toUri().toString();
    ExecutorStats cold;
    long saved;
    try (SparkSession spark = session(disk, "10s")) {
      cold = generate(spark);
      SnapshotReport report = TileKv.saveCache(spark, uri);
      assertThat(report.parts()).isEqualTo(2);
      assertThat(report.missedExecutors()).isZero();
      assertThat(report.tiles() * TILE_BYTES).isGreaterThan(2 * POOL_BYTES);
      saved = report.tiles();
    }
    try (SparkSession spark = session(otherDisk, "10s")) {
      // No executor has registered yet.
      SnapshotReport report = TileKv.loadCache(spark, TestSpark.MODEL, uri);
      assertThat(report.tiles()).as("all parts into each executor").isGreaterThanOrEqualTo(saved);
      assertThat(report.tilesWithoutRoom()).isZero();
      ExecutorStats warm = generate(spark);
      assertThat(warm.computedTokens()).isLessThan(cold.computedTokens());
      assertThat(warm.loadedTiles()).isPositive();
      assertThat(warm.failedLoads()).isZero();
    }
  }

  /** A core of one executor is taken until the snapshot has tried more than a few times. */
  @Test
  void aBusyExecutorIsWaitedFor() throws Exception {
    Path goOn = disk.resolve("go-on");
    AtomicInteger jobs = new AtomicInteger();
    try (SparkSession spark = session(otherDisk, "0s")) {
      generate(spark);
      SparkContext context = spark.sparkContext();
      CountDownLatch busy = new CountDownLatch(1);
      context.addSparkListener(
          new SparkListener() {
            @Override
            public void onTaskStart(SparkListenerTaskStart start) {
              busy.countDown();
            }

            @Override
            public void onJobStart(SparkListenerJobStart start) {
              if (jobs.incrementAndGet() == 7) {
                create(goOn);
              }
            }
          });
      String file = goOn.toString();
      JavaFutureAction<Void> working =
          new JavaSparkContext(context)
              .parallelize(List.of(1), 1)
              .foreachAsync(i -> awaitFile(file));
      assertThat(busy.await(60, TimeUnit.SECONDS)).isTrue();
      SnapshotReport report = TileKv.saveCache(spark, snapshot.toUri().toString());
      working.get();
      assertThat(report.missedExecutors()).isZero();
      assertThat(report.parts()).isEqualTo(2);
      assertThat(jobs.get()).isGreaterThanOrEqualTo(7);
    }
  }

  private static void create(Path file) {
    try {
      Files.createFile(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void awaitFile(String file) {
    while (!Files.exists(Path.of(file))) {
      Thread.onSpinWait();
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> paths = Files.walk(disk)) {
      return paths.filter(Files::isRegularFile).toList();
    }
  }
}
