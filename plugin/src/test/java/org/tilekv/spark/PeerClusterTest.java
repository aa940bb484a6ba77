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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.ExecutorDecommissionInfo;
import org.apache.spark.scheduler.cluster.CoarseGrainedSchedulerBackend;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.config.Settings;

/**
 * Two executors in processes of their own, with authentication and encryption, exchange tiles of
 * the example's model.
 */
@Timeout(180)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class PeerClusterTest {

  private static final String SALT = "Zq7-cluster-salt-7qZ";
  private static final int ROWS = 2;

  @TempDir static Path folder;

  private static SparkSession spark;
  private static TileKv tileKv;
  private static FileTime started;

  @BeforeAll
  static void start() throws IOException {
    Files.createDirectory(folder.resolve("events"));
    Path logging = folder.resolve("log4j2.properties");
    Files.writeString(
        logging,
        """
        rootLogger.level = info
        rootLogger.appenderRef.console.ref = console
        appender.console.type = Console
        appender.console.name = console
        appender.console.target = SYSTEM_ERR
        appender.console.layout.type = PatternLayout
        appender.console.layout.pattern = %p %c{1}: %m%n%ex
        logger.tilekv.name = org.tilekv
        logger.tilekv.level = debug
        """);
    started = Files.getLastModifiedTime(logging);
    SparkConf conf =
        TestSpark.clusterConf()
            .set("spark.plugins", TileKvPlugin.class.getName())
            .set("spark.executor.extraJavaOptions", "-Dlog4j2.configurationFile=" + logging)
            .set("spark.authenticate", "true")
            .set("spark.authenticate.secret", "cluster-secret")
            .set("spark.network.crypto.enabled", "true")
            .set("spark.decommission.enabled", "true")
            .set("spark.eventLog.enabled", "true")
            .set("spark.eventLog.compress", "false")
            .set("spark.eventLog.dir", folder.resolve("events").toUri().toString())
            .set("spark.tilekv.pool.bytes", "96m")
            .set("spark.tilekv.peer.minTokens", "16")
            .set(Settings.TENANT_SALT.key(), SALT);
    SparkContext.getOrCreate(conf);
    spark = SparkSession.builder().getOrCreate();
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

  /** One partition of prompts that begin alike for each word. */
  private static List<String> answers(String... words) {
    List<String> prompts = new ArrayList<>();
    for (String word : words) {
      for (int i = 0; i < ROWS; i++) {
        prompts.add((word + " phone=025 808655 mail=a@example.org\n").repeat(8) + i);
      }
    }
    Dataset<Row> rows =
        spark
            .createDataset(
                org.apache.spark.api.java.JavaSparkContext.fromSparkContext(spark.sparkContext())
                    .parallelize(prompts, words.length)
                    .rdd(),
                Encoders.STRING())
            .toDF("prompt");
    return new KvGenerate()
        .setInputCol("prompt")
        .setPlan("off")
        .setOutputCol("answer")
        .setModel(TestSpark.MODEL)
        .setMaxNewTokens(4)
        .transform(rows)
        .select("answer")
        .as(Encoders.STRING())
        .collectAsList();
  }

  private static List<String> swapped(List<String> answers) {
    List<String> swapped = new ArrayList<>(answers.subList(ROWS, 2 * ROWS));
    swapped.addAll(answers.subList(0, ROWS));
    return swapped;
  }

  @Test
  @Order(1)
  void tilesAreFetchedWherePrefixesComeToAnotherExecutor() {
    List<String> first = answers("apple", "orange");
    tileKv.refresh();
    assertThat(tileKv.totals().fetchedTiles()).isZero();
    long computed = tileKv.totals().computedTokens();
    await("the driver knows the tiles", () -> tileKv.refresh() && knownTiles() > 20);
    assertThat(answers("orange", "apple")).isEqualTo(swapped(first));
    tileKv.refresh();
    assertThat(tileKv.totals().fetchedTiles()).isPositive();
    assertThat(tileKv.totals().peerFailures()).isZero();
    assertThat(tileKv.totals().computedTokens() - computed).isLessThan(computed / 2);
  }

  private static long knownTiles() {
    return TileKvDriver.require(spark.sparkContext()).coordinator().stats().directoryTiles();
  }

  @Test
  @Order(2)
  void aDecommissionedExecutorHandsItsTilesOver() {
    List<String> first = answers("plum", "cherry");
    SparkContext context = spark.sparkContext();
    String leaving = tileKv.executors().get(0).executorId();
    long before = tileKv.totals().receivedTiles();
    CoarseGrainedSchedulerBackend backend =
        (CoarseGrainedSchedulerBackend) context.schedulerBackend();
    assertThat(
            backend.decommissionExecutor(
                leaving, new ExecutorDecommissionInfo("test", scala.Option.empty()), false, false))
        .isTrue();
    await("tiles are received", () -> tileKv.totals().receivedTiles() > before);
    assertThat(answers("plum", "cherry")).isEqualTo(first);
  }

  /** Last: what was written while the tests ran. */
  @Test
  @Order(3)
  void theSaltIsInNoFileOfTheRun() throws IOException {
    spark.stop();
    List<Path> files = new ArrayList<>();
    for (Path root : List.of(folder, Path.of(System.getenv("SPARK_HOME"), "work"))) {
      try (Stream<Path> all = Files.walk(root)) {
        all.filter(Files::isRegularFile).filter(PeerClusterTest::isNew).forEach(files::add);
      }
    }
    assertThat(files).hasSizeGreaterThanOrEqualTo(4);
    boolean handedOver = false;
    for (Path file : files) {
      String text = Files.readString(file, StandardCharsets.ISO_8859_1);
      assertThat(text.contains(SALT)).as(file.toString()).isFalse();
      handedOver |= text.contains("handed");
    }
    assertThat(handedOver).as("executors' logs are among the files").isTrue();
  }

  private static boolean isNew(Path file) {
    try {
      return Files.getLastModifiedTime(file).compareTo(started) >= 0;
    } catch (IOException e) {
      return false;
    }
  }
}
