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

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;

/** Two executors in processes of their own, with Kryo's required registration. */
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class LocalClusterTest {

  private static final int PARTITIONS = 8;

  private static SparkSession spark;
  private static TileKv tileKv;

  /** Speculation is on; with all executors on one host Spark makes no copies, though. */
  @BeforeAll
  static void start() throws IOException {
    spark =
        TestSpark.session(
            TestSpark.clusterConf()
                .set("spark.speculation", "true")
                .set("spark.speculation.interval", "100ms")
                .set("spark.speculation.quantile", "0.5")
                .set("spark.speculation.minTaskRuntime", "2s"));
    tileKv = TileKv.active(spark);
    await("two executors register", () -> tileKv.executors().size() == 2);
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waiting until " + what).isLessThan(deadline);
      try {
        TimeUnit.MILLISECONDS.sleep(50);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private static Dataset<Row> generate(int rows, String prefix) {
    Dataset<Row> prompts =
        spark
            .range(0, rows, 1, PARTITIONS)
            .withColumn("prompt", functions.concat(functions.lit(prefix), functions.col("id")));
    return generate(prompts);
  }

  private static Dataset<Row> generate(Dataset<Row> prompts) {
    return transformer().transform(prompts);
  }

  private static KvGenerate transformer() {
    return new KvGenerate()
        .setInputCol("prompt")
        .setOutputCol("answer")
        .setModel(TestSpark.MODEL)
        .setMaxNewTokens(10);
  }

  private static List<String> answers(Dataset<Row> rows) {
    return rows.select("answer").as(Encoders.STRING()).collectAsList();
  }

  private static List<String> expected(int rows, String prefix) {
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      expected.add(new StringBuilder(prefix + i).reverse().toString());
    }
    return expected;
  }

  /** Executor of each partition. */
  private static Map<Integer, String> whereTasksRan(Dataset<Row> rows) {
    Map<Integer, String> executors = new TreeMap<>();
    rows.mapPartitions(
            (MapPartitionsFunction<Row, String>)
                it -> {
                  it.forEachRemaining(row -> {});
                  return List.of(TaskContext.getPartitionId() + "@" + SparkEnv.get().executorId())
                      .iterator();
                },
            Encoders.STRING())
        .collectAsList()
        .forEach(
            text -> {
              String[] parts = text.split("@");
              executors.put(Integer.parseInt(parts[0]), parts[1]);
            });
    return executors;
  }

  @Test
  @Order(1)
  void answersComeInOrderAndAreCounted() {
    tileKv.refresh();
    long before = tileKv.totals().rows();
    assertThat(answers(generate(100, "row "))).isEqualTo(expected(100, "row "));
    tileKv.refresh();
    assertThat(tileKv.totals().rows() - before).isEqualTo(100);
  }

  @Test
  @Order(2)
  void tasksRunWhereTheShardMapSaysInEveryJob() {
    Map<Integer, String> first = whereTasksRan(generate(PARTITIONS, "slow "));
    assertThat(first.values()).contains("0", "1");
    assertThat(whereTasksRan(generate(2 * PARTITIONS, "slow "))).isEqualTo(first);
    long epoch = tileKv.epoch();
    assertThat(whereTasksRan(generate(PARTITIONS, "slow "))).isEqualTo(first);
    assertThat(tileKv.epoch()).isEqualTo(epoch);
  }

  @Test
  @Order(3)
  void aRetriedTaskGivesTheSameRows() {
    KvGenerate sampled = transformer().setTemperature(1).setSeed(3);
    List<String> expected = answers(sampled.transform(prompts(40, false)));
    assertThat(expected).hasSize(40).doesNotHaveDuplicates();
    assertThat(answers(sampled.transform(prompts(40, true)))).isEqualTo(expected);
  }

  /** Prompts whose first attempt fails in the middle of each odd partition, where asked. */
  private static Dataset<Row> prompts(int rows, boolean failing) {
    return spark
        .range(0, rows, 1, PARTITIONS)
        .map(
            (MapFunction<Long, String>)
                id -> {
                  TaskContext task = TaskContext.get();
                  if (failing && id % 10 == 8 && task.attemptNumber() == 0) {
                    throw new IllegalStateException("the first attempt fails");
                  }
                  return "row " + id;
                },
            Encoders.STRING())
        .toDF("prompt");
  }

  @Test
  @Order(4)
  void anUpstreamShuffleAndADownstreamOneWorkUnderKryo() {
    Dataset<Row> rows =
        generate(
            spark
                .range(0, 60, 1, 3)
                .withColumn("prompt", functions.concat(functions.lit("k"), functions.col("id")))
                .repartitionByRange(6, functions.col("id"))
                .sortWithinPartitions(functions.col("id")));
    assertThat(rows.groupBy("answer").count().count()).isEqualTo(60);
    rows.cache();
    assertThat(rows.count()).isEqualTo(60);
    assertThat(answers(rows)).isEqualTo(expected(60, "k"));
    rows.unpersist();
  }

  @Test
  @Order(5)
  void aJobSurvivesAKilledExecutor() throws Exception {
    int rows = 400;
    List<Long> pids =
        new JavaSparkContext(spark.sparkContext())
            .parallelize(List.of(1, 2, 3, 4), 4)
            .map(
                i -> {
                  TimeUnit.MILLISECONDS.sleep(100);
                  return ProcessHandle.current().pid();
                })
            .distinct()
            .collect();
    assertThat(pids).hasSize(2).doesNotContain(ProcessHandle.current().pid());
    tileKv.refresh();
    long before = tileKv.totals().rows();
    long epoch = tileKv.epoch();
    CompletableFuture<List<String>> job =
        CompletableFuture.supplyAsync(() -> answers(generate(rows, "slow ")));
    await("the job is on its way", () -> tileKv.totals().rows() > before + 40);
    assertThat(job).isNotDone();
    assertThat(ProcessHandle.of(pids.get(0)).orElseThrow().destroyForcibly()).isTrue();
    assertThat(job.get(100, TimeUnit.SECONDS)).isEqualTo(expected(rows, "slow "));
    await("the shard map has changed", () -> tileKv.epoch() > epoch);
    await("a new executor has registered", () -> tileKv.executors().size() == 2);
    assertThat(answers(generate(20, "row "))).isEqualTo(expected(20, "row "));
  }
}
