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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.coordinator.ExecutorStats;

/** Executor processes whose pools hold too little, with tiles on disk below them. */
@Timeout(300)
class DiskTierClusterTest {

  private static final int ROWS = 120;

  @TempDir private Path disk;

  private SparkSession session() throws IOException {
    return TestSpark.session(
        TestSpark.clusterConf()
            .set("spark.plugins", TileKvPlugin.class.getName())
            .set("spark.tilekv.maxBatchRows", "4")
            .set("spark.tilekv.rowsInFlightPerTask", "4")
            .set("spark.tilekv.pool.bytes", "16m")
            .set("spark.tilekv.disk.dirs", disk.toString()));
  }

  /** Answers are right; what the job did. */
  private static ExecutorStats generate(SparkSession spark) throws IOException {
    Dataset<Row> rows =
        RecordsData.rows(spark, ROWS).repartitionByRange(2, col("id")).sortWithinPartitions("id");
    KvGenerate generate =
        new KvGenerate()
            .setInputCol("prompt")
            .setModel(TestSpark.MODEL)
            .setMaxNewTokens(128)
            .setPlan("off");
    assertThat(RecordsData.wrong(generate.transform(rows))).isEmpty();
    return TileKv.active(spark).totals();
  }

  @Test
  void tilesThatLeaveThePoolComeBackAlsoInALaterApplication() throws Exception {
    ExecutorStats first;
    ExecutorStats second;
    try (SparkSession spark = session()) {
      first = generate(spark);
      second = generate(spark);
    }
    assertThat(first.evictedTiles()).isPositive();
    assertThat(second.savedTiles()).isPositive();
    assertThat(second.loadedTiles()).isPositive();
    assertThat(second.failedLoads()).isZero();
    assertThat(files()).isNotEmpty();

    try (SparkSession spark = session()) {
      ExecutorStats later = generate(spark);
      assertThat(later.loadedTiles()).isPositive();
      assertThat(later.failedLoads()).isZero();
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> paths = Files.walk(disk)) {
      return paths.filter(Files::isRegularFile).toList();
    }
  }
}
