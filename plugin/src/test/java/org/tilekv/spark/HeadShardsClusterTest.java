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

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.coordinator.ExecutorView;

/** A cell of two executor processes, with authentication and Kryo's required registration. */
@Timeout(300)
class HeadShardsClusterTest {

  /**
   * Many more than a cell has in flight, so that the job goes on for seconds after its first row.
   */
  private static final int ROWS = 96;

  private static SparkSession spark;
  private static TileKv tileKv;

  @BeforeAll
  static void start() throws Exception {
    spark =
        TestSpark.session(
            TestSpark.clusterConf()
                .set("spark.plugins", TileKvPlugin.class.getName())
                .set("spark.authenticate", "true")
                .set("spark.authenticate.secret", "of this test")
                .set("spark.tilekv.headShards", "2")
                .set("spark.tilekv.pool.bytes", "64m"));
    tileKv = TileKv.active(spark);
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(200);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waiting until " + what).isLessThan(deadline);
      try {
        TimeUnit.MILLISECONDS.sleep(20);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private static Dataset<Row> generate(Dataset<Row> rows) {
    return new KvGenerate()
        .setInputCol("prompt")
        .setModel(TestSpark.MODEL)
        .setMaxNewTokens(128)
        .transform(rows);
  }

  /** Process of each executor. */
  private static List<String> processes() {
    return new JavaSparkContext(spark.sparkContext())
        .parallelize(List.of(1, 2, 3, 4), 4)
        .map(
            i -> {
              TimeUnit.MILLISECONDS.sleep(200);
              return SparkEnv.get().executorId() + " " + ProcessHandle.current().pid();
            })
        .distinct()
        .collect();
  }

  @Test
  void aKilledMemberStartsTheStageAgain() throws Exception {
    Dataset<Row> rows =
        RecordsData.rows(spark, ROWS).repartitionByRange(3, col("id")).sortWithinPartitions("id");
    assertThat(RecordsData.wrong(generate(rows.where(col("id").lt(4))))).isEmpty();
    assertThat(tileKv.executors())
        .as("each of the members holds tiles and has sent bytes")
        .hasSize(2)
        .allMatch(executor -> executor.stats().residentTiles() > 0)
        .allMatch(executor -> executor.stats().cellBytes() > 0);

    List<String> processes = processes();
    assertThat(processes).hasSize(2);
    long before = tileKv.totals().rows();
    CompletableFuture<List<Row>> job =
        CompletableFuture.supplyAsync(() -> RecordsData.wrong(generate(rows)));
    await("the job is on its way", () -> job.isDone() || tileKv.totals().rows() > before);
    assertThat(job).isNotDone();
    kill(follower(), processes);
    assertThat(job.get(200, TimeUnit.SECONDS)).isEmpty();
    await(
        "heartbeats tell of more than " + ROWS + " rows",
        () -> tileKv.totals().rows() - before > ROWS);
  }

  /** The executor that has got no rows. */
  private static String follower() {
    return tileKv.executors().stream()
        .filter(executor -> executor.stats().rows() == 0)
        .map(ExecutorView::executorId)
        .findFirst()
        .orElseThrow();
  }

  private static void kill(String executorId, List<String> processes) {
    for (String process : processes) {
      String[] parts = process.split(" ");
      if (parts[0].equals(executorId)) {
        assertThat(ProcessHandle.of(Long.parseLong(parts[1])).orElseThrow().destroyForcibly())
            .isTrue();
      }
    }
  }
}
