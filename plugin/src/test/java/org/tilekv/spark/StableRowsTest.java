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
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.monotonically_increasing_id;
import static org.apache.spark.sql.functions.rand;
import static org.apache.spark.sql.functions.udf;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows that are the same when a lost part of them is read again, and others. */
class StableRowsTest {

  private static SparkSession spark;

  @BeforeAll
  static void start() {
    spark = TestSpark.session(TestSpark.conf("local[2]"));
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private static Dataset<Row> base() {
    return spark.range(0, 100, 1, 4).toDF();
  }

  private static void assertStable(Dataset<Row> rows) {
    assertThat(StableRows.whyNot(rows)).isNull();
  }

  private static void assertUnstable(Dataset<Row> rows, String why) {
    assertThat(StableRows.whyNot(rows)).contains(why);
  }

  @Test
  void valuesByThePlaceOfARowAreTheSameBeforeAShuffle(@TempDir Path dir) {
    Column number = monotonically_increasing_id();
    assertStable(base().withColumn("n", number));
    assertStable(base().withColumn("n", number).repartition(3).sortWithinPartitions("n"));
    assertStable(base().where("id > 3").withColumn("r", rand(7)).withColumn("n", number));
    base().write().parquet(dir.resolve("rows").toString());
    Dataset<Row> read = spark.read().parquet(dir.resolve("rows").toString());
    assertStable(read.alias("a").withColumn("n", number).union(base().withColumn("n", number)));
    Dataset<Row> local = spark.createDataset(List.of("a", "b"), Encoders.STRING()).toDF("prompt");
    assertStable(local.withColumn("n", number));
    assertUnstable(base().repartition(3).withColumn("n", number), "monotonically_increasing_id()");
    assertUnstable(base().join(read, "id").withColumn("r", concat(lit("x"), rand(7))), "rand(7L)");
    assertUnstable(base().distinct().withColumn("n", number), "reading the rows again");
    assertUnstable(
        spark
            .createDataFrame(base().repartition(2).javaRDD(), base().schema())
            .withColumn("n", number),
        "monotonically_increasing_id()");
    assertStable(spark.createDataFrame(base().javaRDD(), base().schema()).withColumn("n", number));
  }

  @Test
  void valuesOfShuffledRowsAloneAreTheSame() {
    assertStable(base().repartition(3));
    assertStable(base().groupBy(col("id").mod(3)).count());
    assertStable(base().join(base().withColumnRenamed("id", "other"), expr("id = other")));
    assertUnstable(
        base().groupBy(col("id").mod(3).as("k")).agg(collect_list("id")), "collect_list");
    assertUnstable(base().withColumn("n", expr("row_number() over (order by 1)")), "row_number");
    base().createOrReplaceTempView("base");
    assertUnstable(
        spark.sql(
            "WITH t AS (SELECT id FROM base GROUP BY id)"
                + " SELECT monotonically_increasing_id() n FROM t"),
        "monotonically_increasing_id()");
  }

  @Test
  void functionsThatSayTheyAreNotDeterministicAreBelieved() {
    UDF1<Long, String> name = id -> "row " + id;
    assertStable(base().withColumn("p", udf(name, DataTypes.StringType).apply(col("id"))));
    assertUnstable(
        base()
            .withColumn("p", udf(name, DataTypes.StringType).asNondeterministic().apply(col("id"))),
        "reading the rows again");
  }

  @Test
  void aCheckpointIsWhatItIs(@TempDir Path dir) {
    spark.sparkContext().setCheckpointDir(dir.toString());
    Dataset<Row> numbered = base().repartition(3).withColumn("n", monotonically_increasing_id());
    assertUnstable(numbered, "a checkpoint of them can be planned");
    assertStable(numbered.checkpoint().withColumn("m", monotonically_increasing_id()));
  }

  @Test
  void partsOfRowsWithoutAnOrderAreNot() {
    assertUnstable(base().limit(10), "some are taken");
    assertUnstable(base().withColumn("k", lit(1)).dropDuplicates("k"), "some are taken");
    assertStable(base().distinct());
    assertStable(base().repartition(3).orderBy("id").limit(10));
    assertStable(base().sample(0.5, 3));
    assertUnstable(base().repartition(3).limit(10), "some are taken");
    assertUnstable(base().repartition(3).sample(0.5, 3), "some are taken");
  }
}
