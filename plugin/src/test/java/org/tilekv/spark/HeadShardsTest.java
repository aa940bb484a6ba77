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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.ServerSocket;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.TileKvException;
import org.tilekv.coordinator.ExecutorStats;

/** Cells under Spark, both members of one cell in this process; the real engine. */
@Timeout(120)
class HeadShardsTest {

  private static final int ROWS = 16;

  private static SparkSession spark;
  private static Dataset<Row> rows;

  private static SparkConf conf(String master, int shards) {
    return TestSpark.conf(master)
        .set("spark.plugins", TileKvPlugin.class.getName())
        .set("spark.tilekv.headShards", Integer.toString(shards))
        .set("spark.tilekv.threads", "2")
        .set("spark.tilekv.pool.bytes", "128m");
  }

  private static int port;

  @BeforeAll
  static void start() throws Exception {
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    spark =
        TestSpark.session(
            conf("local[4]", 2).set("spark.tilekv.peer.port", Integer.toString(port)));
    rows =
        RecordsData.rows(spark, ROWS).repartitionByRange(3, col("id")).sortWithinPartitions("id");
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static Dataset<Row> generate(Dataset<Row> input) {
    return generator().transform(input);
  }

  private static KvGenerate generator() {
    return new KvGenerate().setInputCol("prompt").setModel(TestSpark.MODEL).setMaxNewTokens(128);
  }

  /** Ids in each partition, in their order. */
  private static List<String> idsByPartition(Dataset<Row> generated) {
    return generated
        .select("id")
        .mapPartitions(
            (MapPartitionsFunction<Row, String>)
                it -> {
                  StringBuilder ids = new StringBuilder();
                  it.forEachRemaining(row -> ids.append(row.getLong(0)).append(' '));
                  return List.of(ids.toString()).iterator();
                },
            Encoders.STRING())
        .collectAsList();
  }

  /** One of the next where another process was faster. */
  @Test
  void membersListenWhereTheSettingSays() {
    assertThat(TileKvExecutor.require().transport().port()).isBetween(port, port + 16);
  }

  @Test
  void cachesOfCellsAreNeitherSavedNorLoaded() {
    String refusal = "spark.tilekv.headShards is 2; caches can be saved and loaded with 1 only";
    assertThatThrownBy(() -> TileKv.saveCache(spark, "target/no-snapshot"))
        .isInstanceOf(TileKvException.class)
        .hasMessage(refusal);
    assertThatThrownBy(() -> TileKv.loadCache(spark, TestSpark.MODEL, "target/no-snapshot"))
        .isInstanceOf(TileKvException.class)
        .hasMessage(refusal);
  }

  @Test
  void answersPartitionsAndOrderAreThoseOfOneProcess() {
    TileKv tileKv = TileKv.active(spark);
    ExecutorStats before = tileKv.totals();
    assertThat(RecordsData.wrong(generate(rows))).isEmpty();
    ExecutorStats first = tileKv.totals();
    assertThat(first.rows() - before.rows()).isEqualTo(ROWS);
    assertThat(first.cellBytes()).isPositive();

    assertThat(idsByPartition(generate(rows))).isEqualTo(idsByPartition(rows)).hasSize(3);
    ExecutorStats second = tileKv.totals();
    assertThat(second.reusedTokens() - first.reusedTokens())
        .as("tiles stay from job to job")
        .isGreaterThan((second.promptTokens() - first.promptTokens()) * 9 / 10);
    assertThat(second.hitTiles() - first.hitTiles())
        .as("tiles are counted once, not by each member")
        .isLessThanOrEqualTo((second.promptTokens() - first.promptTokens()) / 16);
  }

  @Test
  void partOfTheRowsCanBeTaken() {
    assertThat(generate(rows).limit(2).collectAsList()).hasSize(2);
    assertThat(generate(rows.limit(0)).collectAsList()).isEmpty();
  }

  @Test
  void aRowThatCannotRunGivesNullOrFailsTheJob() {
    Dataset<Row> withNull =
        rows.withColumn("prompt", org.apache.spark.sql.functions.expr("if(id = 1, null, prompt)"));
    List<Row> answers =
        generator()
            .setErrors("null")
            .setMaxNewTokens(2)
            .transform(withNull)
            .where(col("generated").isNull())
            .select("id")
            .collectAsList();
    assertThat(answers).hasSize(1);
    assertThat(answers.get(0).getLong(0)).isEqualTo(1);
  }

  @Test
  void beamsAreSearchedByCells() {
    Dataset<Row> four = rows.where(col("id").lt(4));
    assertThat(generator().setBeams(4).transform(four).select("generated").collectAsList())
        .hasSize(4)
        .allMatch(row -> !row.getString(0).isBlank());
  }

  @Test
  void whatCannotRunIsRefusedBeforeTheJob() {
    SparkConf conf = new SparkConf(false).set("spark.dynamicAllocation.enabled", "true");
    assertThatThrownBy(() -> CellSlots.requireBarrierStages(conf))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("spark.dynamicAllocation.enabled=true");
    assertThatThrownBy(() -> ModelDirectory.requireHeadShards(TestSpark.MODEL, 3))
        .hasMessageContaining("headShards is 3")
        .hasMessageContaining("allows [1, 2, 4]");
  }
}
