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
import org.junit.jupiter.api.Test;
import org.tilekv.CacheStats;
import org.tilekv.KvDtype;

/** A trained model over real rows: shared headers, exact answers. */
class RecordsModelTest {
  private static final Path DATA = Path.of("../examples/data");
  private static final Path MODEL = DATA.resolve("records-6m");
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int NEW_TOKENS = 128;
  private static final int ROWS = 100;
  // 8 layers x (K, V) x 16 tokens x 64 elements x 4 bytes
  private static final long PAGE_BYTES = 64 << 10;
  private static final EngineConfig ENGINE = new EngineConfig(32, 512, 256, 60_000, true, true);

  private record Row(String prompt, String expected) {}

  private static List<Row> records() throws IOException {
    JsonNode templates = JSON.readTree(DATA.resolve("templates.json").toFile());
    List<Row> rows = new ArrayList<>();
    for (String line : Files.readAllLines(DATA.resolve("records.jsonl"))) {
      JsonNode row = JSON.readTree(line);
      String header = templates.get(row.get("template").asText()).asText();
      rows.add(new Row(header + row.get("record").asText(), row.get("expected").asText()));
    }
    return rows;
  }

  /** Rows of all five templates, in the order of the file. */
  private static List<Row> someRecords() throws IOException {
    List<Row> all = records();
    List<Row> some = new ArrayList<>();
    for (int i = 0; i < all.size(); i += all.size() / ROWS) {
      some.add(all.get(i));
    }
    return some;
  }

  private static ModelRuntime open(long poolBytes, EngineConfig engine) {
    return ModelRuntimes.open(
        MODEL,
        new RuntimeOptions(
            16, KvDtype.FLOAT32, poolBytes, 2, 0, "auto", "auto", 60_000, null, engine));
  }

  private static List<String> texts(ModelRuntime runtime, List<Row> rows, int beams) {
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

  private static List<String> expected(List<Row> rows) {
    return rows.stream().map(Row::expected).toList();
  }

  @Test
  void everyRowIsExactAndSharedHeadersAreComputedOnce() throws IOException {
    List<Row> rows = someRecords();
    try (ModelRuntime runtime = open(4096 * PAGE_BYTES, ENGINE)) {
      assertThat(texts(runtime, rows, 1)).isEqualTo(expected(rows));
      EngineStats stats = runtime.engine().stats();
      System.out.printf("records: %s%n         %s%n", stats, runtime.cache().stats());
      assertThat((double) stats.promptTokensComputed())
          .isLessThanOrEqualTo(1.02 * stats.distinctPromptPositions());
    }
  }

  @Test
  void aPoolThatIsTooSmallGivesTheSameRows() throws IOException {
    List<Row> rows = someRecords();
    try (ModelRuntime runtime = open(110 * PAGE_BYTES, ENGINE)) {
      assertThat(texts(runtime, rows, 1)).isEqualTo(expected(rows));
      EngineStats stats = runtime.engine().stats();
      CacheStats cache = runtime.cache().stats();
      System.out.printf("small pool: %s%n            %s%n", stats, cache);
      assertThat(stats.preemptions()).isPositive();
      assertThat(cache.evictedTiles()).isPositive();
    }
  }

  @Test
  void fourBeamsMatchAndSharePages() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (JsonNode row : JSON.readTree(DATA.resolve("beam4.json").toFile())) {
      rows.add(new Row(row.get("prompt").asText(), row.get("beam4").asText()));
    }
    try (ModelRuntime runtime = open(2048 * PAGE_BYTES, ENGINE)) {
      assertThat(texts(runtime, rows, 4)).isEqualTo(expected(rows));
      CacheStats cache = runtime.cache().stats();
      System.out.printf(
          "beams: peak %.1f MiB with sharing, %.1f MiB without%n",
          mebibytes(cache.peakPinnedPages()), mebibytes(cache.peakTableReferences()));
      assertThat(cache.peakPinnedPages()).isLessThan(cache.peakTableReferences() / 3);
    }
  }

  private static double mebibytes(int pages) {
    return pages * PAGE_BYTES / (double) (1 << 20);
  }
}
