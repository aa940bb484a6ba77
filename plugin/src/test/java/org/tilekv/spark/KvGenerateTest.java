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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.TileKvException;

@Timeout(120)
class KvGenerateTest {

  private static SparkSession spark;

  @BeforeAll
  static void start() {
    spark = TestSpark.session(TestSpark.conf("local[2]"));
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static KvGenerate generate() {
    return new KvGenerate()
        .setInputCol("prompt")
        .setOutputCol("answer")
        .setModel(TestSpark.MODEL)
        .setMaxNewTokens(10);
  }

  private static Dataset<Row> prompts(String... prompts) {
    return spark.createDataset(List.of(prompts), Encoders.STRING()).toDF("prompt");
  }

  private static Dataset<Row> numbered(int rows, int partitions) {
    return spark
        .range(0, rows, 1, partitions)
        .withColumn("prompt", functions.concat(functions.lit("row "), functions.col("id")));
  }

  private static List<String> answers(Dataset<Row> rows) {
    return rows.select("answer").as(Encoders.STRING()).collectAsList();
  }

  private static String reversed(String text) {
    return new StringBuilder(text).reverse().toString();
  }

  @Test
  void appendsAnswersInRowOrder() {
    Dataset<Row> rows = numbered(500, 7);
    Dataset<Row> answered = generate().transform(rows);
    assertThat(answered.columns()).containsExactly("id", "prompt", "answer");
    assertThat(answered.javaRDD().getNumPartitions()).isEqualTo(7);
    List<Row> got = answered.collectAsList();
    assertThat(got).hasSize(500);
    for (int i = 0; i < 500; i++) {
      assertThat(got.get(i).getLong(0)).isEqualTo(i);
      assertThat(got.get(i).getString(2)).isEqualTo(reversed("row " + i));
    }
  }

  @Test
  void runsNoJobBeforeAnActionDoes() throws Exception {
    AtomicInteger jobs = new AtomicInteger();
    SparkListener listener =
        new SparkListener() {
          @Override
          public void onJobStart(SparkListenerJobStart start) {
            jobs.incrementAndGet();
          }
        };
    spark.sparkContext().addSparkListener(listener);
    try {
      Dataset<Row> sorted =
          numbered(100, 3)
              .repartitionByRange(5, functions.col("id"))
              .sortWithinPartitions(functions.col("id"));
      Dataset<Row> answered = generate().transform(sorted);
      answered.explain();
      spark.sparkContext().listenerBus().waitUntilEmpty();
      assertThat(jobs).hasValue(0);
      assertThat(answers(answered)).hasSize(100).startsWith(reversed("row 0"));
      spark.sparkContext().listenerBus().waitUntilEmpty();
      assertThat(jobs.get()).isPositive();
    } finally {
      spark.sparkContext().removeSparkListener(listener);
    }
  }

  @Test
  void keepsManyRowsInFlight() {
    List<String> slow = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      slow.add("slow " + i);
    }
    Dataset<Row> rows = prompts(slow.toArray(new String[0])).coalesce(1);
    assertThat(answers(generate().transform(prompts("open the model")))).hasSize(1);
    fake().mostRunning.set(0);
    spark.conf().set("spark.tilekv.rowsInFlightPerTask", "8");
    try {
      assertThat(answers(generate().transform(rows))).hasSize(40);
    } finally {
      spark.conf().unset("spark.tilekv.rowsInFlightPerTask");
    }
    assertThat(fake().mostRunning.get()).isBetween(2, 8);
  }

  private static FakeRuntime fake() {
    FakeRuntime fake = FakeTileKvPlugin.LATEST.get();
    assertThat(fake).isNotNull();
    return fake;
  }

  @Test
  void aLimitCancelsWhatIsInFlight() {
    List<String> slow = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      slow.add("slow " + i);
    }
    Dataset<Row> rows = prompts(slow.toArray(new String[0])).coalesce(1);
    int before = answers(generate().transform(prompts("a"))).size() + fake().cancelled.get();
    assertThat(generate().transform(rows).limit(1).collectAsList()).hasSize(1);
    assertThat(fake().cancelled.get()).isGreaterThan(before);
  }

  @Test
  void aRefusedRowFailsTheTaskAndNamesItself() {
    Dataset<Row> rows = prompts("good", "x".repeat(2000)).coalesce(1);
    assertThatThrownBy(() -> generate().transform(rows).collectAsList())
        .hasMessageContaining("row 1 of partition 0")
        .hasMessageContaining("2000 prompt tokens")
        .hasMessageContaining("at most 1000");
    assertThatThrownBy(
            () ->
                generate()
                    .setRowKeyCol("id")
                    .transform(
                        numbered(3, 1)
                            .withColumn(
                                "prompt",
                                functions.expr("if(id = 2, cast(null as string), prompt)")))
                    .collectAsList())
        .hasMessageContaining("row 2 of partition 0 (row key 2)")
        .hasMessageContaining("the prompt is null");
  }

  @Test
  void aRefusedRowGivesNullWhereAsked() {
    Dataset<Row> rows =
        prompts("abc", "x".repeat(2000), "").unionAll(spark.sql("select cast(null as string)"));
    List<String> expected = new ArrayList<>();
    expected.add("cba");
    expected.add(null);
    expected.add(null);
    expected.add(null);
    assertThat(answers(generate().setErrors("null").transform(rows))).isEqualTo(expected);
    spark.conf().set("spark.tilekv.errors", "null");
    try {
      assertThat(answers(generate().transform(rows))).isEqualTo(expected);
    } finally {
      spark.conf().unset("spark.tilekv.errors");
    }
  }

  @Test
  void cutsAtStopStrings() {
    assertThat(answers(generate().setStopStrings("X", "b").transform(prompts("12Xab3X4"))))
        .containsExactly("4");
  }

  @Test
  void rowKeysDoNotDependOnPartitions() {
    KvGenerate sampled = generate().setTemperature(1).setSeed(5);
    Dataset<Row> rows = numbered(30, 1);
    List<String> one = answers(sampled.transform(rows));
    List<String> many =
        answers(sampled.transform(rows.repartition(4)).orderBy(functions.col("id")));
    assertThat(one).doesNotHaveDuplicates().isEqualTo(many).allMatch(a -> a.endsWith("|5"));
    List<String> keyed = answers(sampled.setRowKeyCol("id").transform(rows));
    assertThat(keyed.get(7)).isEqualTo(reversed("row 7") + "|7|5");
  }

  @Test
  void refusesAWrongSchemaBeforeAJob() {
    Dataset<Row> rows = numbered(3, 1);
    assertThatThrownBy(() -> generate().setInputCol("text").transform(rows))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("inputCol 'text' is no column of the input; it has id, prompt");
    assertThatThrownBy(() -> generate().setInputCol("id").transform(rows))
        .hasMessage("inputCol 'id' is bigint; it must be string");
    assertThatThrownBy(() -> generate().setOutputCol("Prompt").transform(rows))
        .hasMessageContaining("outputCol 'Prompt' is there already");
    assertThatThrownBy(() -> generate().setRowKeyCol("key").transform(rows))
        .hasMessageContaining("rowKeyCol 'key'");
    assertThatThrownBy(() -> new KvGenerate().setInputCol("prompt").transform(rows))
        .hasMessageContaining("no model");
  }

  @Test
  void refusesAWrongModelBeforeAJob(@TempDir Path empty) throws Exception {
    Dataset<Row> rows = numbered(3, 1);
    assertThatThrownBy(() -> generate().setModel("/no/such/model").transform(rows))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("/no/such/model does not exist");
    assertThatThrownBy(() -> generate().setModel(empty.toString()).transform(rows))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("config.json");
    Path golden = Path.of(System.getProperty("basedir", "."), "src/test/resources/golden");
    assertThatThrownBy(
            () -> generate().setModel(golden.resolve("tiny-llama").toString()).transform(rows))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("no tokenizer.json");
    Files.writeString(empty.resolve("config.json"), "{\"architectures\": [\"GPT2LMHeadModel\"]}");
    assertThatThrownBy(() -> generate().setModel(empty.toString()).transform(rows))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("GPT2LMHeadModel");
  }

  @Test
  void refusesWrongParameters() {
    assertThatThrownBy(() -> generate().setMaxNewTokens(0)).hasMessageContaining("maxNewTokens");
    assertThatThrownBy(() -> generate().setTopP(0)).hasMessageContaining("topP");
    assertThatThrownBy(() -> generate().setErrors("ignore")).hasMessageContaining("errors");
    assertThatThrownBy(() -> generate().set("maxTokens", 3)).hasMessageContaining("maxTokens");
  }

  @Test
  void aStartUpSettingCannotChangeLater() {
    spark.conf().set("spark.tilekv.tileTokens", "32");
    try {
      assertThatThrownBy(() -> generate().transform(numbered(3, 1)))
          .isInstanceOf(TileKvException.class)
          .hasMessageContaining("spark.tilekv.tileTokens");
    } finally {
      spark.conf().unset("spark.tilekv.tileTokens");
    }
  }

  @Test
  void savesAndLoadsAloneAndInPipelines(@TempDir Path dir) throws Exception {
    KvGenerate generate =
        generate().setStopStrings("a", "b").setSeed(1L << 40).setTopP(0.5).setErrors("null");
    generate.save(dir.resolve("alone").toString());
    KvGenerate alone = KvGenerate.load(dir.resolve("alone").toString());
    assertThat(alone.uid()).isEqualTo(generate.uid());
    assertThat(withoutHashes(alone.explainParams()))
        .isEqualTo(withoutHashes(generate.explainParams()));
    assertThat(alone.getOrDefault(alone.stopStrings())).containsExactly("a", "b");

    Pipeline pipeline = new Pipeline().setStages(new PipelineStage[] {generate()});
    pipeline.save(dir.resolve("pipeline").toString());
    PipelineModel model = Pipeline.load(dir.resolve("pipeline").toString()).fit(prompts("x"));
    model.save(dir.resolve("model").toString());
    assertThat(
            answers(PipelineModel.load(dir.resolve("model").toString()).transform(prompts("xyz"))))
        .containsExactly("zyx");
  }

  /** Arrays are explained with their identity. */
  private static String withoutHashes(String text) {
    return text.replaceAll("String;@\\w+", "");
  }

  @Test
  void copiesParameters() {
    KvGenerate generate = generate().setBeams(4);
    KvGenerate copy = generate.copy(new org.apache.spark.ml.param.ParamMap());
    copy.setBeams(2);
    assertThat(generate.explainParam(generate.beams())).contains("current: 4");
    assertThat(copy.uid()).isEqualTo(generate.uid());
  }

  @Test
  void keepsOtherColumnsOfEveryType() {
    StructType schema =
        new StructType()
            .add("prompt", DataTypes.StringType)
            .add("day", DataTypes.DateType)
            .add("many", DataTypes.createArrayType(DataTypes.DoubleType))
            .add("nested", new StructType().add("a", DataTypes.BinaryType));
    Dataset<Row> rows =
        spark.createDataFrame(
            List.of(
                RowFactory.create(
                    "ab",
                    java.sql.Date.valueOf("2024-02-29"),
                    List.of(1.5),
                    RowFactory.create((Object) new byte[] {7}))),
            schema);
    Row got = generate().transform(rows).collectAsList().get(0);
    assertThat(got.getString(4)).isEqualTo("ba");
    assertThat(got.getDate(1)).isEqualTo(java.sql.Date.valueOf("2024-02-29"));
    assertThat(got.getList(2).get(0)).isEqualTo(1.5);
    assertThat((byte[]) got.getStruct(3).get(0)).containsExactly(7);
  }
}
