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
package org.tilekv.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The trained model of the examples, its rows and what it is known to answer. */
final class Records {
  static final Path DATA = Path.of("../examples/data");
  static final Path MODEL = DATA.resolve("records-6m");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int NEW_TOKENS = 128;

  private Records() {}

  record Row(String prompt, String expected) {}

  /** All rows, in the order of the file. */
  static List<Row> all() throws IOException {
    JsonNode templates = JSON.readTree(DATA.resolve("templates.json").toFile());
    List<Row> rows = new ArrayList<>();
    for (String line : Files.readAllLines(DATA.resolve("records.jsonl"))) {
      JsonNode row = JSON.readTree(line);
      String header = templates.get(row.get("template").asText()).asText();
      rows.add(new Row(header + row.get("record").asText(), row.get("expected").asText()));
    }
    return rows;
  }

  /** Rows whose answers were found with four beams. */
  static List<Row> ofBeams() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (JsonNode row : JSON.readTree(DATA.resolve("beam4.json").toFile())) {
      rows.add(new Row(row.get("prompt").asText(), row.get("beam4").asText()));
    }
    return rows;
  }

  /** Answers of all rows, submitted at once; checks that the cache is whole afterwards. */
  static List<String> texts(ModelRuntime runtime, List<Row> rows, int beams) {
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    for (Row row : rows) {
      futures.add(
          runtime
              .engine()
              .submit(
                  new GenerationRequest(
                      1,
                      futures.size(),
                      runtime.tokenizer().encode(row.prompt()),
                      NEW_TOKENS,
                      runtime.config().eosTokens(),
                      List.of(),
                      SamplingParams.GREEDY,
                      beams,
                      1.0,
                      false,
                      null)));
    }
    List<String> texts =
        futures.stream()
            .map(CompletableFuture::join)
            .map(r -> GenerationTexts.text(r.best(), List.of(), runtime.tokenizer()).strip())
            .toList();
    runtime.cache().checkIntegrity();
    assertThat(runtime.cache().stats().pinnedPages()).isZero();
    return texts;
  }

  static List<String> expected(List<Row> rows) {
    return rows.stream().map(Row::expected).toList();
  }
}
