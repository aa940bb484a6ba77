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
package org.tilekv.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class InputRowsTest {

  private static final List<String> PROMPTS =
      IntStream.range(0, 300).mapToObj(i -> "prompt " + (i * 7919 % 300)).toList();

  @TempDir Path dir;
  private SparkSession spark;

  @BeforeEach
  void start() {
    spark =
        SparkSession.builder().master("local[2]").config("spark.ui.enabled", "false").getOrCreate();
  }

  @AfterEach
  void stop() {
    spark.stop();
  }

  @Test
  void linesAreCutWithoutAShuffle() throws IOException {
    Dataset<Row> rows = read("--input", Files.write(dir.resolve("rows.jsonl"), lines()));
    assertThat(rows.rdd().getNumPartitions()).isGreaterThanOrEqualTo(8);
    assertThat(rows.queryExecution().executedPlan().toString()).doesNotContain("Exchange");
    assertThat(prompts(rows)).isEqualTo(PROMPTS);
  }

  @Test
  void whatCannotBeCutIsShuffledAndStaysInOrder() throws IOException {
    Path file = dir.resolve("rows.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(String.join("\n", lines()).getBytes(StandardCharsets.UTF_8));
    }
    Dataset<Row> rows = read("--input", file);
    assertThat(rows.rdd().getNumPartitions()).isEqualTo(8);
    assertThat(prompts(rows)).isEqualTo(PROMPTS);
  }

  @Test
  void partitionsAreAsManyAsAskedFor() throws IOException {
    Path file = Files.write(dir.resolve("rows.jsonl"), lines());
    Dataset<Row> rows = read("--partitions", 3, "--input", file);
    assertThat(rows.rdd().getNumPartitions()).isEqualTo(3);
    assertThat(prompts(rows)).isEqualTo(PROMPTS);
  }

  @Test
  void rowsAreSortedByTheirPrompts() throws IOException {
    Path file = Files.write(dir.resolve("rows.jsonl"), lines());
    assertThat(prompts(read("--sort-by-prompt", "--input", file)))
        .isEqualTo(PROMPTS.stream().sorted().toList());
  }

  @Test
  void whatTheUserSetStays() throws IOException {
    spark.conf().set("spark.sql.files.openCostInBytes", "1000000");
    read("--input", Files.write(dir.resolve("rows.jsonl"), lines()));
    assertThat(spark.conf().get("spark.sql.files.openCostInBytes")).isEqualTo("1000000");
  }

  private static List<String> lines() {
    return PROMPTS.stream().map(prompt -> "{\"prompt\": \"" + prompt + "\"}").toList();
  }

  private Dataset<Row> read(Object... options) throws IOException {
    String[] words =
        Stream.concat(Arrays.stream(options), Stream.of("--model", dir, "--output", dir))
            .map(Object::toString)
            .toArray(String[]::new);
    return new InputRows(spark, CommandLine.populateCommand(new BatchOptions(), words)).read();
  }

  private static List<String> prompts(Dataset<Row> rows) {
    return rows.collectAsList().stream()
        .map(row -> row.<String>getAs("prompt"))
        .collect(Collectors.toList());
  }
}
