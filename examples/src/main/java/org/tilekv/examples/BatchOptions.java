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

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Command line of {@link BatchInference}. Filled by picocli. */
final class BatchOptions {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "Hugging Face directory of the model; the same path on every executor.")
  String model = "";

  @Option(
      names = "--input",
      required = true,
      paramLabel = "PATH",
      description =
          "Rows: JSON lines, or Parquet where the path ends in .parquet or holds Parquet files.")
  String input = "";

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description =
          "Where to write Parquet, one row per input row; an earlier output there is replaced.")
  String output = "";

  @Option(
      names = "--prompt-col",
      paramLabel = "C",
      defaultValue = "prompt",
      description = "Column with the prompt (default: ${DEFAULT-VALUE}).")
  String promptCol = "prompt";

  @Option(
      names = "--output-col",
      paramLabel = "C",
      defaultValue = "generated",
      description = "Column to add (default: ${DEFAULT-VALUE}).")
  String outputCol = "generated";

  @Option(
      names = "--expected-col",
      paramLabel = "C",
      description = "Column with the expected answer; exact matches are counted.")
  @Nullable String expectedCol;

  @Option(
      names = "--templates",
      paramLabel = "FILE",
      description =
          "JSON object of named prompt headers: the prompt becomes header[row.template] + row.record"
              + " (default: templates.json beside the input where rows have no prompt).")
  @Nullable String templates;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "Most tokens to generate for a row (default: ${DEFAULT-VALUE}).")
  int maxNewTokens = 128;

  @Option(
      names = "--beams",
      paramLabel = "K",
      defaultValue = "1",
      description = "Beams of beam search; 1 is greedy or sampling (default: ${DEFAULT-VALUE}).")
  int beams = 1;

  @Option(
      names = "--temperature",
      defaultValue = "0",
      description = "0 is greedy (default: ${DEFAULT-VALUE}).")
  double temperature;

  @Option(
      names = "--top-k",
      defaultValue = "0",
      description = "Sample among the K likeliest tokens; 0 is all (default: ${DEFAULT-VALUE}).")
  int topK;

  @Option(
      names = "--top-p",
      defaultValue = "1",
      description = "Sample among the likeliest tokens up to this probability (default: 1).")
  double topP = 1;

  @Option(names = "--seed", defaultValue = "0", description = "Job seed (default: 0).")
  long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Text that ends an answer; may be repeated.")
  List<String> stopStrings = new ArrayList<>();

  @Option(
      names = "--errors",
      paramLabel = "MODE",
      description = "fail or null: what a row that cannot run does (default: spark.tilekv.errors).")
  @Nullable String errors;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "1",
      description = "Run the job N times, to see what stays resident (default: 1).")
  int repeat = 1;

  @Option(
      names = "--cache-in",
      paramLabel = "URI",
      description = "Snapshot of an earlier application's caches to start with.")
  @Nullable String cacheIn;

  @Option(
      names = "--cache-out",
      paramLabel = "URI",
      description = "Where to save the executors' caches at the end.")
  @Nullable String cacheOut;

  @Option(
      names = "--partitions",
      paramLabel = "N",
      defaultValue = "0",
      description = "Contiguous partitions of the rows; 0 is at least four per core (default: 0).")
  int partitions;

  @Option(
      names = "--plan",
      paramLabel = "MODE",
      description =
          "auto or off: whether rows that share a prefix are brought together before the job runs"
              + " (default: spark.tilekv.plan).")
  @Nullable String plan;

  @Option(
      names = "--keep-row-order",
      description = "Write rows in the input's order where the job was planned.")
  boolean keepRowOrder;

  @Option(
      names = "--sort-by-prompt",
      description = "Sort the rows by their prompts first, to compare with a plan.")
  boolean sortByPrompt;

  /** Refuses values that picocli cannot check. */
  void check() {
    requireAtLeast("--max-new-tokens", maxNewTokens, 1);
    requireAtLeast("--beams", beams, 1);
    requireAtLeast("--repeat", repeat, 1);
    requireAtLeast("--partitions", partitions, 0);
  }

  private static void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          option + " is " + value + "; it must be at least " + least);
    }
  }
}
