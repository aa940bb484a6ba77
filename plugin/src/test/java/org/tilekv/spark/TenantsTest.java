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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.config.Settings;
import org.tilekv.coordinator.ExecutorStats;

/** Jobs of tenants at the same time, with the example's model, in local mode. */
@Timeout(120)
class TenantsTest {

  private static final int ROWS = 6;
  private static final String SALT_KEY = Settings.TENANT_SALT.key();

  /** Of the whole application; must be found nowhere. */
  private static final String SALT = "Zq7-house-salt-7qZ";

  private static final LogCapture LOG = new LogCapture();

  private static SparkSession spark;

  @BeforeAll
  static void start() {
    // As spark-submit does it: what a session is built with goes into Hadoop's configuration, too.
    SparkContext.getOrCreate(
        TestSpark.conf("local[2]")
            .set("spark.plugins", TileKvPlugin.class.getName())
            .set("spark.tilekv.pool.bytes", "256m")
            .set(SALT_KEY, SALT));
    spark = SparkSession.builder().getOrCreate();
  }

  @AfterAll
  static void stop() {
    spark.stop();
    LOG.close();
  }

  /** Prompts of about 100 tokens that differ from their first word on. */
  private static List<String> prompts(String first) {
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      prompts.add((first + i + " Input: mail=" + i + "@example.org phone=02580865 ").repeat(4));
    }
    return prompts;
  }

  private static Dataset<Row> job(@Nullable String salt, List<String> prompts) {
    SparkSession session = spark.newSession();
    if (salt != null) {
      session.conf().set(SALT_KEY, salt);
    }
    return new KvGenerate()
        .setInputCol("prompt")
        .setModel(TestSpark.MODEL)
        .setMaxNewTokens(2)
        .transform(session.createDataset(prompts, Encoders.STRING()).toDF("prompt").coalesce(1));
  }

  private static CompletableFuture<List<Row>> run(@Nullable String salt, List<String> prompts) {
    return CompletableFuture.supplyAsync(() -> job(salt, prompts).collectAsList());
  }

  /** Tiles that two jobs at the same time found in the cache; both give the same answers. */
  private static long hits(@Nullable String one, @Nullable String other, List<String> prompts)
      throws Exception {
    TileKv tileKv = TileKv.active(spark);
    ExecutorStats before = tileKv.totals();
    CompletableFuture<List<Row>> first = run(one, prompts);
    CompletableFuture<List<Row>> second = run(other, prompts);
    assertThat(first.get(100, TimeUnit.SECONDS)).isEqualTo(second.get(100, TimeUnit.SECONDS));
    tileKv.refresh();
    ExecutorStats after = tileKv.totals();
    assertThat(after.rows() - before.rows()).isEqualTo(2 * ROWS);
    assertThat(after.preemptions()).isZero();
    return after.hitTiles() - before.hitTiles();
  }

  @Test
  void jobsOfTwoSaltsAtOnceShareNothingAndOfOneSaltDo() throws Exception {
    assertThat(hits("red", "blue", prompts("a"))).isZero();
    assertThat(hits("red", null, prompts("b"))).isZero();
    assertThat(hits("red", "red", prompts("c"))).isGreaterThanOrEqualTo(2 * ROWS);
    assertThat(hits("blue", "green", prompts("a"))).as("what blue computed before").isPositive();
  }

  @Test
  void theSaltIsFoundNowhere(@TempDir java.nio.file.Path folder) throws Exception {
    String own = "Zq7-session-salt-7qZ";
    Dataset<Row> job = job(own, prompts("d"));
    job.collectAsList();
    job(null, prompts("e")).collectAsList();
    SparkContext context = spark.sparkContext();
    List<String> texts = new ArrayList<>(LOG.lines());
    texts.add(job.queryExecution().toString());
    texts.add(job.rdd().toDebugString());
    texts.add(job.sparkSession().conf().getAll().mkString("\n"));
    texts.add(java.util.Arrays.toString(context.getConf().getAll()));
    texts.add(context.hadoopConfiguration().getValByRegex(".*salt.*").toString());
    texts.add(TileKvDriver.require(context).config().toString());
    texts.add(new String(serialized(job), StandardCharsets.ISO_8859_1));
    KvGenerate saved = new KvGenerate().setInputCol("prompt").setModel(TestSpark.MODEL);
    saved.write().overwrite().session(job.sparkSession()).save(folder.resolve("model").toString());
    try (var files = java.nio.file.Files.walk(folder)) {
      for (java.nio.file.Path file : files.filter(java.nio.file.Files::isRegularFile).toList()) {
        texts.add(java.nio.file.Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    assertThat(LOG.lines()).as("the log is captured").hasSizeGreaterThan(50);
    for (String text : texts) {
      assertThat(text).doesNotContain(SALT).doesNotContain(own);
    }
  }

  /** What goes to the executors with each task. */
  private static byte[] serialized(Dataset<Row> job) {
    ByteBuffer bytes =
        spark
            .sparkContext()
            .env()
            .closureSerializer()
            .newInstance()
            .serialize(job.javaRDD().rdd(), scala.reflect.ClassTag$.MODULE$.Object());
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }
}
