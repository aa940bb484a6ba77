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

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.tilekv.CacheStats;
import org.tilekv.KvDtype;
import org.tilekv.engine.Records.Row;

/** A trained model over real rows: shared headers, exact answers. */
class RecordsModelTest {
  private static final int ROWS = 100;
  // 8 layers x (K, V) x 16 tokens x 64 elements x 4 bytes
  private static final long PAGE_BYTES = 64 << 10;
  private static final EngineConfig ENGINE = new EngineConfig(32, 512, 256, 60_000, true, true);

  /** Rows of all five templates, in the order of the file. */
  private static List<Row> someRecords() throws IOException {
    List<Row> all = Records.all();
    List<Row> some = new ArrayList<>();
    for (int i = 0; i < all.size(); i += all.size() / ROWS) {
      some.add(all.get(i));
    }
    return some;
  }

  private static ModelRuntime open(long poolBytes, EngineConfig engine) {
    return ModelRuntimes.open(
        Records.MODEL,
        new RuntimeOptions(
            16, KvDtype.FLOAT32, poolBytes, 2, 0, "auto", "auto", 60_000, null, engine));
  }

  @Test
  void everyRowIsExactAndSharedHeadersAreComputedOnce() throws IOException {
    List<Row> rows = someRecords();
    try (ModelRuntime runtime = open(4096 * PAGE_BYTES, ENGINE)) {
      assertThat(Records.texts(runtime, rows, 1)).isEqualTo(Records.expected(rows));
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
      assertThat(Records.texts(runtime, rows, 1)).isEqualTo(Records.expected(rows));
      EngineStats stats = runtime.engine().stats();
      CacheStats cache = runtime.cache().stats();
      System.out.printf("small pool: %s%n            %s%n", stats, cache);
      assertThat(stats.preemptions()).isPositive();
      assertThat(cache.evictedTiles()).isPositive();
    }
  }

  @Test
  void fourBeamsMatchAndSharePages() throws IOException {
    List<Row> rows = Records.ofBeams();
    try (ModelRuntime runtime = open(2048 * PAGE_BYTES, ENGINE)) {
      assertThat(Records.texts(runtime, rows, 4)).isEqualTo(Records.expected(rows));
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
