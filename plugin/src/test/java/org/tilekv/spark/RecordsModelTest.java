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
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.trim;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.coordinator.ExecutorStats;

/** The real engine under Spark: the example's model and some of its rows. */
@Timeout(120)
class RecordsModelTest {

  private static final int ROWS = 40;

  private static SparkSession spark;
  private static Dataset<Row> rows;

  @BeforeAll
  static void start() throws Exception {
    spark =
        TestSpark.session(
            TestSpark.conf("local[2]")
                .set("spark.plugins", TileKvPlugin.class.getName())
                .set("spark.tilekv.pool.bytes", "256m"));
    Map<String, String> templates =
        new ObjectMapper()
            .readValue(TestSpark.DATA.resolve("templates.json").toFile(), new TypeReference<>() {});
    List<Row> headers =
        templates.entrySet().stream()
            .map(e -> RowFactory.create(e.getKey(), e.getValue()))
            .toList();
    Dataset<Row> byName =
        spark.createDataFrame(headers, StructType.fromDDL("template string, header string"));
    rows =
        spark
            .read()
            .schema("id long, template string, record string, expected string")
            .json(TestSpark.DATA.resolve("records.jsonl").toString())
            .where(col("id").lt(ROWS))
            .join(functions.broadcast(byName), "template")
            .withColumn("prompt", functions.concat(col("header"), col("record")))
            .repartitionByRange(3, col("id"))
            .sortWithinPartitions(col("id"));
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static KvGenerate generate() {
    return new KvGenerate().setInputCol("prompt").setModel(TestSpark.MODEL).setMaxNewTokens(128);
  }

  @Test
  void answersMatchAndPrefixesAreReusedAcrossJobs() {
    TileKv tileKv = TileKv.active(spark);
    Dataset<Row> wrong =
        generate().transform(rows).where(trim(col("generated"), " \n").notEqual(col("expected")));
    assertThat(wrong.select("id", "generated", "expected").collectAsList()).isEmpty();
    ExecutorStats first = tileKv.totals();
    assertThat(first.rows()).isEqualTo(ROWS);
    assertThat(first.computedTokens() + first.reusedTokens())
        .isGreaterThanOrEqualTo(first.promptTokens());
    assertThat(first.reusedTokens()).isPositive();

    assertThat(wrong.count()).isZero();
    ExecutorStats second = tileKv.totals();
    long reused = second.reusedTokens() - first.reusedTokens();
    long prompts = second.promptTokens() - first.promptTokens();
    assertThat(reused).isGreaterThan(prompts * 9 / 10);
  }

  @Test
  void sampledRowsDoNotDependOnPartitions() {
    KvGenerate sampled =
        generate().setTemperature(1).setSeed(11).setMaxNewTokens(24).setRowKeyCol("id");
    List<Row> three =
        sampled.transform(rows).select("id", "generated").orderBy("id").collectAsList();
    List<Row> one =
        sampled.transform(rows.coalesce(1)).select("id", "generated").orderBy("id").collectAsList();
    assertThat(one).isEqualTo(three);
  }

  @Test
  void anOverlongPromptIsRefusedByTheRealEngine() {
    Dataset<Row> longPrompt =
        rows.where(col("id").equalTo(lit(3)))
            .withColumn("prompt", functions.repeat(col("prompt"), 50));
    assertThat(
            generate()
                .setErrors("null")
                .transform(longPrompt)
                .head()
                .isNullAt(rows.columns().length))
        .isTrue();
  }
}
