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
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.CacheStats;
import org.tilekv.KvDtype;
import org.tilekv.engine.Records.Row;

/** The records model on a device: exact answers, shared headers, eviction and set-backs. */
@Tag("gpu")
class CudaRecordsGpuTest {
  // 8 layers x (K, V) x 16 tokens x 64 elements x 4 bytes
  private static final long PAGE_BYTES = 64 << 10;
  private static final EngineConfig ENGINE = new EngineConfig(256, 4096, 2048, 60_000, true, true);

  private static ModelRuntime open(KvDtype dtype, long poolBytes) {
    RuntimeOptions options =
        new RuntimeOptions(16, dtype, poolBytes, 2, 0, "auto", "auto", 60_000, null, ENGINE);
    return ModelRuntimes.open(Records.MODEL, options.on(new DeviceChoice("gpu", 0, poolBytes, 0)));
  }

  private static long exact(List<Row> rows, List<String> answers) {
    long exact = 0;
    for (int i = 0; i < rows.size(); i++) {
      exact += rows.get(i).expected().equals(answers.get(i)) ? 1 : 0;
    }
    return exact;
  }

  @ParameterizedTest
  @EnumSource(
      value = KvDtype.class,
      names = {"FLOAT32", "BFLOAT16", "FLOAT16"})
  void recordsAreExactAndHeadersAreComputedOnce(KvDtype dtype) throws IOException {
    List<Row> rows = Records.all();
    try (ModelRuntime runtime = open(dtype, 1 << 30)) {
      long start = System.nanoTime();
      long exact = exact(rows, Records.texts(runtime, rows, 1));
      EngineStats stats = runtime.engine().stats();
      System.out.printf(
          "records %s: %d of %d exact in %.2f s, computed %d of %d distinct positions%n",
          dtype,
          exact,
          rows.size(),
          (System.nanoTime() - start) / 1e9,
          stats.promptTokensComputed(),
          stats.distinctPromptPositions());
      assertThat((double) stats.promptTokensComputed())
          .isLessThanOrEqualTo(1.02 * stats.distinctPromptPositions());
      assertThat(exact)
          .isGreaterThanOrEqualTo(dtype == KvDtype.FLOAT32 ? rows.size() : rows.size() * 99 / 100);
    }
  }

  @Test
  void aSmallPoolGivesTheSameRows() throws IOException {
    List<Row> rows = Records.all().subList(0, 400);
    try (ModelRuntime runtime = open(KvDtype.FLOAT32, 300 * PAGE_BYTES)) {
      assertThat(exact(rows, Records.texts(runtime, rows, 1))).isEqualTo(rows.size());
      CacheStats cache = runtime.cache().stats();
      EngineStats stats = runtime.engine().stats();
      System.out.printf(
          "small pool: %d evicted, %d preempted%n", cache.evictedTiles(), stats.preemptions());
      assertThat(stats.preemptions()).isPositive();
      assertThat(cache.evictedTiles()).isPositive();
    }
  }

  @Test
  void fourBeamsMatchAndSharePages() throws IOException {
    List<Row> rows = Records.ofBeams();
    try (ModelRuntime runtime = open(KvDtype.FLOAT32, 1 << 30)) {
      long exact = exact(rows, Records.texts(runtime, rows, 4));
      System.out.printf("beams: %d of %d exact%n", exact, rows.size());
      assertThat(exact).isEqualTo(rows.size());
    }
  }
}
