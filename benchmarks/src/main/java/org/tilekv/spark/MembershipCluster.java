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

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;
import org.tilekv.config.Settings;
import org.tilekv.coordinator.ExecutorStats;

/** An application whose executors come and go, and a job of records for it. */
final class MembershipCluster implements AutoCloseable {

  // Groups of records, and how far apart they begin.
  private static final int GROUPS = 16;
  private static final int EVERY = 125;

  private final Path data;
  private final int rows;
  private final SparkSession spark;
  private final TileKv tileKv;

  /**
   * @param data the examples' data
   * @param rows of each job
   * @param settings Spark's, beside those of spark-submit
   */
  MembershipCluster(Path data, int rows, Map<String, String> settings) {
    this.data = data;
    this.rows = rows;
    SparkSession.Builder builder = SparkSession.builder().appName("membership");
    settings.forEach(builder::config);
    spark = builder.getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    tileKv = TileKv.active(spark);
  }

  SparkSession spark() {
    return spark;
  }

  TileKv tileKv() {
    return tileKv;
  }

  /** Ids of the executors that are there now. */
  List<String> executors() {
    return tileKv.executors().stream()
        .filter(view -> view.alive())
        .map(view -> view.executorId())
        .toList();
  }

  /** Waits until so many executors have registered. */
  void awaitExecutors(int count) throws InterruptedException {
    await("there are " + count + " executors", () -> executors().size() == count);
  }

  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("waited in vain until " + what);
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  /** Process ids by executor; runs a small job. */
  Map<String, Long> processes() {
    int many = 8 * Math.max(1, executors().size());
    Map<String, Long> found = new TreeMap<>();
    new JavaSparkContext(spark.sparkContext())
        .parallelize(java.util.Collections.nCopies(many, 1), many)
        .map(
            i -> {
              TimeUnit.MILLISECONDS.sleep(20);
              return SparkEnv.get().executorId() + " " + ProcessHandle.current().pid();
            })
        .collect()
        .forEach(text -> found.put(text.split(" ", 2)[0], Long.parseLong(text.split(" ", 2)[1])));
    return found;
  }

  /** Groups of four or more records that share a template, from all over the file. */
  private Dataset<Row> records() throws IOException {
    Map<String, String> templates =
        new ObjectMapper()
            .readValue(data.resolve("templates.json").toFile(), new TypeReference<>() {});
    List<Row> headers =
        templates.entrySet().stream()
            .map(e -> RowFactory.create(e.getKey(), e.getValue()))
            .toList();
    Dataset<Row> byName =
        spark.createDataFrame(headers, StructType.fromDDL("template string, header string"));
    return spark
        .read()
        .schema("id long, template string, record string")
        .json(data.resolve("records.jsonl").toString())
        .where(col("id").mod(EVERY).lt(Math.max(4, (rows + GROUPS - 1) / GROUPS)))
        .orderBy("id")
        .limit(rows)
        .join(functions.broadcast(byName), "template")
        .withColumn("prompt", functions.concat(col("header"), col("record")));
  }

  /** The prompts in the order of the file. */
  List<String> prompts() throws IOException {
    return records().orderBy("id").select("prompt").as(Encoders.STRING()).collectAsList();
  }

  /**
   * Answers the prompts.
   *
   * @param salt keeps this job's tiles apart from those of all others
   */
  String run(List<String> prompts, String salt, int partitions) {
    SparkSession session = spark.newSession();
    session.conf().set(Settings.TENANT_SALT.key(), salt);
    Dataset<Row> input =
        session
            .createDataset(
                new JavaSparkContext(spark.sparkContext()).parallelize(prompts, partitions).rdd(),
                Encoders.STRING())
            .toDF("prompt");
    List<String> answers =
        new KvGenerate()
            .setInputCol("prompt")
            .setPlan("off")
            .setOutputCol("answer")
            .setModel(data.resolve("records-6m").toString())
            .setMaxNewTokens(24)
            .transform(input)
            .select("answer")
            .as(Encoders.STRING())
            .collectAsList();
    tileKv.refresh();
    return digest(answers);
  }

  private static String digest(List<String> answers) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String answer : answers) {
        digest.update(answer.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
      }
      return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  ExecutorStats totals() {
    return tileKv.totals();
  }

  /** Prompt tokens that an executor has computed, as far as it has told. */
  long computedBy(String executorId) {
    return tileKv.executors().stream()
        .filter(view -> view.executorId().equals(executorId))
        .mapToLong(view -> view.stats().computedTokens())
        .sum();
  }

  @Override
  public void close() {
    spark.stop();
  }
}
