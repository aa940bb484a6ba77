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
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.repeat;
import static org.apache.spark.sql.functions.spark_partition_id;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import scala.jdk.javaapi.CollectionConverters;

/** Planned jobs on the fake model, whose tokens are characters. */
@Timeout(120)
class PlannedGenerationTest {

  private static final AtomicInteger READINGS = new AtomicInteger();
  private static volatile CountDownLatch readingBegan = new CountDownLatch(1);
  private static volatile boolean letGo;

  private static SparkSession spark;
  private PlanCounters counters;
  private long jobs;
  private long skipped;

  @BeforeAll
  static void start() {
    spark = TestSpark.session(TestSpark.conf("local[2]"));
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  @BeforeEach
  void remember() {
    counters = TileKvDriver.require(spark.sparkContext()).planDriver(0).counters();
    jobs = counters.jobs();
    skipped = counters.skippedJobs();
  }

  private void assertPlanned(int plannedJobs, int skippedJobs) {
    assertThat(counters.jobs() - jobs).as("planned").isEqualTo(plannedJobs);
    assertThat(counters.skippedJobs() - skipped).as("left").isEqualTo(skippedJobs);
  }

  /** Rows whose prompts a function on the executors makes from the id, each time they are read. */
  private static Dataset<Row> made(int rows, UDF1<Long, String> maker) {
    return spark
        .range(0, rows, 1, 4)
        .withColumn("prompt", functions.udf(maker, DataTypes.StringType).apply(col("id")));
  }

  private static void assertNothingKept() throws TimeoutException {
    // A job's caller may know before the bus that it ended; the end of the next job comes after.
    assertThat(spark.range(1).javaRDD().count()).isEqualTo(1);
    spark.sparkContext().listenerBus().waitUntilEmpty(30_000);
    assertThat(CollectionConverters.asJava(spark.sparkContext().getPersistentRDDs())).isEmpty();
    assertThat(spark.sparkContext().listenerBus().listeners())
        .doesNotHaveAnyElementsOfTypes(ReleaseAfterRead.class);
  }

  private static KvGenerate generate() {
    return new KvGenerate()
        .setInputCol("prompt")
        .setOutputCol("answer")
        .setModel(TestSpark.MODEL)
        .setMaxNewTokens(10);
  }

  /** Rows of ten headers of 80 characters, in turn. */
  private static Dataset<Row> shared(int rows, int partitions) {
    return spark
        .range(0, rows, 1, partitions)
        .withColumn(
            "prompt",
            concat(
                repeat(functions.pmod(col("id"), lit(10)).cast("string"), 80),
                lit(" row "),
                col("id")));
  }

  private static Map<Long, String> byId(Dataset<Row> answered) {
    Map<Long, String> answers = new HashMap<>();
    for (Row row : answered.collectAsList()) {
      assertThat(answers.put(row.getLong(0), row.getString(2))).as("row %s", row).isNull();
    }
    return answers;
  }

  @Test
  void sharersBecomeNeighboursAndAnswersStay() {
    Dataset<Row> rows = shared(400, 7);
    Map<Long, String> expected = byId(generate().setPlan("off").transform(rows));
    assertPlanned(0, 0);
    Dataset<Row> planned = generate().transform(rows);
    assertThat(planned.columns()).containsExactly("id", "prompt", "answer");
    List<Row> got = planned.collectAsList();
    assertPlanned(1, 0);
    assertThat(byId(planned)).isEqualTo(expected);
    assertPlanned(1, 0);
    int changes = 0;
    for (int i = 1; i < got.size(); i++) {
      changes += got.get(i).getLong(0) % 10 == got.get(i - 1).getLong(0) % 10 ? 0 : 1;
    }
    assertThat(changes).isBetween(9, 9 + planned.javaRDD().getNumPartitions());
  }

  @Test
  void equalRowsAreSpread() {
    Dataset<Row> rows =
        spark.range(0, 4000, 1, 4).select(repeat(lit("all the same "), 10).as("prompt"));
    Dataset<Row> planned = generate().transform(rows);
    List<Long> sizes =
        planned.withColumn("p", spark_partition_id()).groupBy("p").count().collectAsList().stream()
            .map(row -> row.getLong(1))
            .toList();
    assertPlanned(1, 0);
    assertThat(sizes.stream().mapToLong(size -> size).sum()).isEqualTo(4000);
    assertThat(sizes).hasSizeGreaterThan(1).allMatch(size -> size < 4000 / 3);
  }

  /** What a lost part of a shuffle is made again from must be what it was made from. */
  @Test
  void rowsThatMayDifferWhenTheyAreReadAgainAreLeftWhereTheyAre() {
    Dataset<Row> numbered =
        shared(100, 4).repartition(3).withColumn("n", functions.monotonically_increasing_id());
    assertThat(generate().transform(numbered).select("answer").collectAsList()).hasSize(100);
    assertPlanned(0, 1);
  }

  @Test
  void groupsAreBalancedOverThePartitions() {
    Dataset<Row> planned = generate().transform(shared(1000, 5));
    List<Row> sizes = planned.groupBy(spark_partition_id()).count().select("count").collectAsList();
    assertThat(sizes.stream().map(n -> Math.round(n.getLong(0) / 125.0)).sorted())
        .as("eighths of the rows")
        .containsExactly(1L, 1L, 1L, 1L, 2L, 2L);
  }

  @Test
  void rowsComeBackToTheirPlaceWhereAsked() {
    Dataset<Row> rows = shared(300, 5);
    Dataset<Row> planned = generate().setKeepRowOrder(true).transform(rows);
    List<Row> expected = new ArrayList<>();
    expected.addAll(
        generate()
            .setPlan("off")
            .transform(rows)
            .withColumn("p", spark_partition_id())
            .collectAsList());
    assertThat(planned.withColumn("p", spark_partition_id()).collectAsList()).isEqualTo(expected);
    assertPlanned(1, 0);
  }

  @Test
  void whatSharesNothingStaysAsItIs() {
    Dataset<Row> rows =
        spark
            .range(0, 200, 1, 4)
            .withColumn("prompt", functions.sha2(col("id").cast("string"), 512));
    List<Row> off =
        generate()
            .setPlan("off")
            .transform(rows)
            .withColumn("p", spark_partition_id())
            .collectAsList();
    List<Row> auto =
        generate().transform(rows).withColumn("p", spark_partition_id()).collectAsList();
    assertThat(auto).isEqualTo(off);
    assertPlanned(0, 1);
  }

  @Test
  void aPromptIsTokenisedOnceAndItsTokensAreDroppedWhenRead() throws TimeoutException {
    for (boolean keepsOrder : new boolean[] {false, true}) {
      for (String adaptive : List.of("true", "false")) {
        spark.conf().set("spark.sql.adaptive.enabled", adaptive);
        try {
          long before = FakeRuntime.ENCODED.get();
          Dataset<Row> planned = generate().setKeepRowOrder(keepsOrder).transform(shared(400, 7));
          assertThat(planned.collectAsList()).hasSize(400);
          assertThat(FakeRuntime.ENCODED.get() - before).isEqualTo(400);
          assertNothingKept();
        } finally {
          spark.conf().unset("spark.sql.adaptive.enabled");
        }
      }
    }
    assertPlanned(4, 0);
  }

  @Test
  void noTokensAreKeptOfAJobThatIsNotPlanned() throws TimeoutException {
    Dataset<Row> rows =
        spark
            .range(0, 50, 1, 3)
            .withColumn("prompt", functions.sha2(col("id").cast("string"), 512));
    assertThat(generate().transform(rows).count()).isEqualTo(50);
    assertPlanned(0, 1);
    assertNothingKept();
  }

  /** Rows of which one cannot be read at the given reading. */
  private static Dataset<Row> failing(int failsAtReading) {
    READINGS.set(0);
    return made(
        100,
        id -> {
          if (id == 99 && READINGS.incrementAndGet() == failsAtReading) {
            throw new IllegalStateException("reading failed");
          }
          return "a header that all of them have " + id;
        });
  }

  @Test
  void noTokensAreKeptOfAJobThatFails() throws TimeoutException {
    for (String adaptive : List.of("true", "false")) {
      spark.conf().set("spark.sql.adaptive.enabled", adaptive);
      try {
        Dataset<Row> rows = failing(2);
        assertThatThrownBy(() -> generate().transform(rows).collectAsList())
            .hasStackTraceContaining("reading failed");
        assertNothingKept();
      } finally {
        spark.conf().unset("spark.sql.adaptive.enabled");
      }
    }
    assertPlanned(2, 0);
  }

  @Test
  void rowsRunAsTheyComeWhereTheyCannotBePlanned() throws TimeoutException {
    assertThat(generate().transform(failing(1)).collectAsList()).hasSize(100);
    assertThat(READINGS.get()).as("readings of the row").isEqualTo(2);
    assertPlanned(0, 1);
    assertNothingKept();
  }

  /** Ends a job of that thread while it is planned. */
  private void assertEnds(Consumer<Thread> ending) throws Exception {
    readingBegan = new CountDownLatch(1);
    letGo = false;
    Dataset<Row> rows =
        made(
            8,
            id -> {
              readingBegan.countDown();
              while (!TaskContext.get().isInterrupted() && !letGo) {
                Thread.onSpinWait();
              }
              throw new IllegalStateException("reading ended");
            });
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread job =
        new Thread(
            () -> {
              spark.sparkContext().setJobGroup("to be ended", "a job that is ended", false);
              generate().transform(rows).collectAsList();
            });
    job.setUncaughtExceptionHandler((thread, thrown) -> failure.set(thrown));
    job.start();
    try {
      assertThat(readingBegan.await(60, TimeUnit.SECONDS)).isTrue();
      ending.accept(job);
      job.join(60_000);
      assertThat(job.isAlive()).as("the job's thread").isFalse();
    } finally {
      letGo = true;
      spark.sparkContext().cancelJobGroup("to be ended");
      job.join();
    }
    assertThat(failure.get()).isNotNull().hasStackTraceContaining("PlanningJob.run");
    assertPlanned(0, 0);
    assertNothingKept();
  }

  @Test
  void aJobThatIsCancelledWhileItIsPlannedEnds() throws Exception {
    assertEnds(job -> spark.sparkContext().cancelJobGroup("to be ended"));
  }

  @Test
  void aJobWhoseThreadIsInterruptedWhileItIsPlannedEnds() throws Exception {
    assertEnds(Thread::interrupt);
  }

  @Test
  void rowsThatAreOthersThanThePlanReadGetTheirOwnTokens() throws TimeoutException {
    READINGS.set(0);
    Dataset<Row> rows =
        made(
            200,
            id ->
                "a header that all of them have "
                    + (id % 3 == 0 ? "in " + READINGS.incrementAndGet() : "for ever")
                    + " "
                    + id);
    List<Row> got = generate().transform(rows).collectAsList();
    assertPlanned(1, 0);
    assertThat(READINGS.get()).as("readings of 67 rows").isEqualTo(134);
    assertThat(got.stream().map(row -> row.getLong(0))).hasSize(200).doesNotHaveDuplicates();
    for (Row row : got) {
      assertThat(row.getString(2))
          .isEqualTo(new StringBuilder(row.getString(1)).reverse().toString());
    }
    assertNothingKept();
  }

  /** As where a task runs again on another kind of executor than before. */
  @Test
  void anExecutorsOwnNamesDoNotMoveRows() {
    int partitions = 5;
    AtomicInteger asked = new AtomicInteger();
    FakeRuntime.namespaces =
        () ->
            asked.getAndIncrement() < partitions
                ? FakeRuntime.NAMESPACE
                : Integer.toString(asked.get() % 2).repeat(64);
    try {
      Dataset<Row> planned = generate().transform(shared(400, partitions));
      List<Row> got = planned.collectAsList();
      assertPlanned(1, 0);
      assertThat(got.stream().map(row -> row.getLong(0))).hasSize(400).doesNotHaveDuplicates();
      int changes = 0;
      for (int i = 1; i < got.size(); i++) {
        changes += got.get(i).getLong(0) % 10 == got.get(i - 1).getLong(0) % 10 ? 0 : 1;
      }
      assertThat(changes).isBetween(9, 9 + planned.javaRDD().getNumPartitions());
    } finally {
      FakeRuntime.namespaces = () -> FakeRuntime.NAMESPACE;
    }
  }

  @Test
  void executorsThatNameTilesDifferentlyGetRowsAsTheyCome() {
    AtomicInteger asked = new AtomicInteger();
    FakeRuntime.namespaces = () -> Integer.toString(asked.getAndIncrement() % 2).repeat(64);
    try {
      Dataset<Row> rows = shared(100, 4);
      List<Row> got = generate().transform(rows).collectAsList();
      assertPlanned(0, 1);
      assertThat(got).isEqualTo(generate().setPlan("off").transform(rows).collectAsList());
    } finally {
      FakeRuntime.namespaces = () -> FakeRuntime.NAMESPACE;
    }
  }

  @Test
  void oneTaskOnOneExecutorIsNotPlanned() {
    assertThat(generate().transform(shared(50, 1)).count()).isEqualTo(50);
    assertPlanned(0, 1);
  }

  @Test
  void theSettingSwitchesItOffForAJob() {
    spark.conf().set("spark.tilekv.plan", "off");
    try {
      assertThat(generate().transform(shared(50, 3)).count()).isEqualTo(50);
      assertPlanned(0, 0);
      assertThat(generate().setPlan("auto").transform(shared(50, 3)).count()).isEqualTo(50);
      assertPlanned(1, 0);
    } finally {
      spark.conf().unset("spark.tilekv.plan");
    }
  }

  @Test
  void generatedRowsAreNotGeneratedTwiceToPlan() {
    Dataset<Row> first =
        generate().setPlan("off").transform(shared(60, 3)).withColumnRenamed("answer", "q");
    Dataset<Row> second = generate().setInputCol("q").transform(first);
    assertThat(second.count()).isEqualTo(60);
    assertPlanned(0, 1);
    Dataset<Row> cached = first.cache();
    assertThat(generate().setInputCol("q").transform(cached).count()).isEqualTo(60);
    cached.unpersist();
  }

  @Test
  void badRowsAreReportedByTheirTaskAndGiveNullWhereAsked() {
    Dataset<Row> rows =
        shared(100, 4)
            .withColumn(
                "prompt",
                functions.expr(
                    "case id when 7 then null when 8 then '' when 9 then repeat('x', 2000)"
                        + " else prompt end"));
    Map<Long, String> got = byId(generate().setErrors("null").transform(rows));
    assertPlanned(1, 0);
    assertThat(got).hasSize(100);
    got.forEach((id, text) -> assertThat(text == null).isEqualTo(id >= 7 && id <= 9));
    assertThatThrownBy(() -> generate().setRowKeyCol("id").transform(rows).collectAsList())
        .hasMessageContaining("(row key ");
  }

  @Test
  void sampledRowsDoNotDependOnThePlan() {
    KvGenerate sampled = generate().setTemperature(1).setSeed(9).setRowKeyCol("id");
    Dataset<Row> rows = shared(200, 3);
    Map<Long, String> planned = byId(sampled.transform(rows));
    assertThat(planned).isEqualTo(byId(sampled.setPlan("off").transform(rows)));
    assertPlanned(1, 0);
  }

  @Test
  void anInputThatChangesBetweenReadingsStillGetsRightAnswers() {
    Dataset<Row> rows =
        shared(300, 4)
            .withColumn(
                "prompt",
                concat(col("prompt"), lit(" "), functions.expr("cast(uuid() as string)")));
    for (Row row : generate().transform(rows).collectAsList()) {
      assertThat(row.getString(2))
          .isEqualTo(new StringBuilder(row.getString(1)).reverse().toString());
    }
    assertPlanned(1, 0);
  }

  @Test
  void otherColumnsAndTheirNamesSurvive() {
    Dataset<Row> rows =
        shared(40, 3)
            .withColumn("a.b `c`", functions.array(col("id"), lit(1)))
            .withColumn("nested", functions.struct(col("id").as("x"), lit("y").as("y")))
            .withColumn("day", functions.expr("date'2024-02-29'"));
    for (Row row : generate().transform(rows).collectAsList()) {
      assertThat(row.<Long>getList(2)).containsExactly(row.getLong(0), 1L);
      assertThat(row.getStruct(3).getLong(0)).isEqualTo(row.getLong(0));
      assertThat(row.getDate(4)).isEqualTo(java.sql.Date.valueOf("2024-02-29"));
    }
    assertPlanned(1, 0);
  }
}
