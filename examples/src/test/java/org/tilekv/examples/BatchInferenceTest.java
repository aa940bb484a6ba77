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

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the application in this process, on the shipped model and some of its rows. */
class BatchInferenceTest {

  private static final Path DATA = Path.of("data").toAbsolutePath();
  private static final List<String> SPARK =
      List.of(
          "spark.master",
          "spark.plugins",
          "spark.ui.enabled",
          "spark.tilekv.pool.bytes",
          "spark.tilekv.kvDtype");

  @TempDir Path dir;
  private final PrintStream out = System.out;
  private final PrintStream err = System.err;
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();

  @BeforeEach
  void configureSpark() {
    System.setProperty("spark.master", "local[2]");
    System.setProperty("spark.plugins", "org.tilekv.spark.TileKvPlugin");
    System.setProperty("spark.ui.enabled", "false");
    System.setProperty("spark.tilekv.pool.bytes", "256m");
    PrintStream both = new PrintStream(printed, true, StandardCharsets.UTF_8);
    System.setOut(both);
    System.setErr(both);
  }

  @AfterEach
  void restore() {
    System.setOut(out);
    System.setErr(err);
    SPARK.forEach(System::clearProperty);
    out.println(text());
  }

  @Test
  void answersRowsAndReusesTilesInTheSecondPass() throws Exception {
    Path input = head(60);
    assertThat(
            run(
                "--templates",
                DATA.resolve("templates.json").toString(),
                "--input",
                input.toString(),
                "--expected-col",
                "expected",
                "--repeat",
                "2"))
        .isZero();
    assertThat(text()).contains("60 of 60");
    Matcher computed = Pattern.compile("computed +([\\d,]+)").matcher(text());
    assertThat(computed.find()).isTrue();
    assertThat(computed.find()).isTrue();
    long second = Long.parseLong(computed.group(1).replace(",", ""));
    assertThat(second).as("only the last token of each prompt").isEqualTo(60);
    List<String> tiles =
        Pattern.compile("full tiles not found +([\\d,]+)")
            .matcher(text())
            .results()
            .map(match -> match.group(1))
            .toList();
    assertThat(tiles).hasSize(2).endsWith("0").isNotEqualTo(List.of("0", "0"));
  }

  @Test
  void aLaterApplicationStartsWarm() throws Exception {
    Path input = head(40);
    Files.copy(DATA.resolve("templates.json"), dir.resolve("templates.json"));
    String snapshot = dir.resolve("snapshot").toUri().toString();
    String[] options = {"--input", input.toString(), "--expected-col", "expected"};
    assertThat(run(with(options, "--cache-out", snapshot))).isZero();
    assertThat(run(with(options, "--cache-in", snapshot))).isZero();
    assertThat(text()).contains("cache saved").contains("cache loaded");
    List<Long> computed = numbers("computed +([\\d,]+)");
    assertThat(computed).hasSize(2);
    // All but the last, partly filled tile of each prompt.
    assertThat(computed.get(1)).isBetween(40L, 40L * 16);
    assertThat(
            Pattern.compile("output digest +(\\w+)")
                .matcher(text())
                .results()
                .map(match -> match.group(1))
                .distinct())
        .hasSize(1);
    System.setProperty("spark.tilekv.kvDtype", "bfloat16");
    assertThat(run(with(options, "--cache-in", snapshot))).isNotZero();
    assertThat(text())
        .contains("holds tiles of records-6m (FLOAT32, tiles of 16 tokens, namespace ")
        .contains(", not of records-6m (BFLOAT16, tiles of 16 tokens, namespace ");
  }

  private List<Long> numbers(String pattern) {
    return Pattern.compile(pattern)
        .matcher(text())
        .results()
        .map(match -> Long.parseLong(match.group(1).replace(",", "")))
        .toList();
  }

  @Test
  void takesTheHeadersBesideTheRows() throws Exception {
    Path input = head(4);
    Files.copy(DATA.resolve("templates.json"), dir.resolve("templates.json"));
    assertThat(run("--input", input.toString(), "--expected-col", "expected")).isZero();
    assertThat(text()).contains("4 of 4");
  }

  @Test
  void readsParquetAndReplacesItsEarlierOutput() throws Exception {
    Path prompts =
        Files.writeString(dir.resolve("prompts.jsonl"), "{\"prompt\": \"a\"}\n{\"prompt\": null}");
    String[] options = {"--max-new-tokens", "2", "--errors", "null"};
    assertThat(run(with(options, "--input", prompts.toString()))).isZero();
    assertThat(run(with(options, "--input", prompts.toString()))).isZero();
    Path copy = Files.move(dir.resolve("out"), dir.resolve("in"));
    assertThat(
            run(
                with(
                    options,
                    "--input",
                    copy.toString(),
                    "--expected-col",
                    "generated",
                    "--output-col",
                    "again")))
        .isZero();
    assertThat(text()).contains("1 of 2").contains("without an answer      1");
  }

  private static String[] with(String[] options, String... more) {
    return Stream.concat(Arrays.stream(options), Arrays.stream(more)).toArray(String[]::new);
  }

  @Test
  void refusesToReplaceWhatIsNotAnOutput() throws Exception {
    Path input = head(2);
    assertThat(run("--input", input.toString(), "--output", dir.toString())).isNotZero();
    assertThat(text()).contains("would replace " + input + ", which the job reads");
    Path folder = Files.createDirectory(dir.resolve("thesis"));
    Files.writeString(folder.resolve("chapter.tex"), "text");
    assertThat(run("--input", input.toString(), "--output", folder.toString())).isNotZero();
    assertThat(text()).contains("holds chapter.tex, which no earlier output has");
    assertThat(folder.resolve("chapter.tex")).exists();
    assertThat(run("--input", input.toString(), "--output", input + "/out")).isNotZero();
    assertThat(input).exists();
  }

  @Test
  void namesTheMissingColumn() throws Exception {
    assertThat(run("--input", head(2).toString())).isNotZero();
    assertThat(text()).contains("'prompt'").contains("expected, id, record, template");
  }

  @Test
  void namesTheMissingModelDirectory() throws Exception {
    assertThat(
            command(
                "--model",
                dir.resolve("none").toString(),
                "--prompt-col",
                "record",
                "--input",
                head(2).toString(),
                "--output",
                dir.resolve("out").toString()))
        .isNotZero();
    assertThat(text()).contains(dir.resolve("none").toString());
  }

  @Test
  void namesTheMissingInput() {
    assertThat(run("--input", dir.resolve("nothing.jsonl").toString())).isNotZero();
    assertThat(text()).contains("nothing.jsonl does not exist");
  }

  private int run(String... more) {
    List<String> args =
        new java.util.ArrayList<>(List.of("--model", DATA.resolve("records-6m").toString()));
    args.addAll(List.of(more));
    if (!args.contains("--output")) {
      args.addAll(List.of("--output", dir.resolve("out").toString()));
    }
    return command(args.toArray(new String[0]));
  }

  private static int command(String... args) {
    return BatchInference.commandLine().execute(args);
  }

  /** The first rows of the shipped file. */
  private Path head(int rows) throws Exception {
    try (var lines = Files.lines(DATA.resolve("records.jsonl"))) {
      return Files.writeString(
          dir.resolve("rows.jsonl"), lines.limit(rows).collect(Collectors.joining("\n")));
    }
  }

  private String text() {
    return printed.toString(StandardCharsets.UTF_8);
  }
}
