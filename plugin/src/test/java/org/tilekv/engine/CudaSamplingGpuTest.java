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
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tilekv.KvDtype;
import org.tilekv.engine.Records.Row;

/** Tokens drawn on a device, through the engine. */
@Tag("gpu")
class CudaSamplingGpuTest {
  private static final int NEW_TOKENS = 24;
  private static final int ROWS = 100;
  private static final EngineConfig ENGINE = new EngineConfig(256, 4096, 2048, 60_000, true, true);

  static List<SamplingParams> ways() {
    return List.of(
        new SamplingParams(1.5, 0, 1, 5),
        new SamplingParams(2, 40, 1, 5),
        new SamplingParams(2, 0, 0.9, 5),
        new SamplingParams(3, 60, 0.95, 5));
  }

  private static ModelRuntime open() {
    RuntimeOptions options =
        new RuntimeOptions(
            16, KvDtype.FLOAT32, 1 << 30, 2, 0, "auto", "auto", 60_000, null, ENGINE);
    return ModelRuntimes.open(Records.MODEL, options.on(DeviceChoice.gpu(0, 1 << 30, 0)));
  }

  private static CompletableFuture<GenerationResult> submit(
      ModelRuntime runtime, Row row, int rowKey, SamplingParams sampling) {
    return runtime
        .engine()
        .submit(
            new GenerationRequest(
                1,
                rowKey,
                runtime.tokenizer().encode(row.prompt()),
                NEW_TOKENS,
                runtime.config().eosTokens(),
                List.of(),
                sampling,
                1,
                1.0,
                false,
                null));
  }

  private static List<int[]> together(
      ModelRuntime runtime, List<Row> rows, List<SamplingParams> ways) {
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      futures.add(submit(runtime, rows.get(i), i, ways.get(i % ways.size())));
    }
    return futures.stream().map(future -> future.join().best().tokens()).toList();
  }

  @ParameterizedTest
  @MethodSource("ways")
  void rowsAreTheSameEveryTimeAndAlone(SamplingParams sampling) throws IOException {
    List<Row> rows = Records.all().subList(0, ROWS);
    try (ModelRuntime runtime = open()) {
      List<int[]> first = together(runtime, rows, List.of(sampling));
      assertThat(together(runtime, rows, List.of(sampling)))
          .usingRecursiveComparison()
          .isEqualTo(first);
      for (int i = 0; i < ROWS; i += 20) {
        assertThat(submit(runtime, rows.get(i), i, sampling).join().best().tokens())
            .as("row %d alone", i)
            .isEqualTo(first.get(i));
      }
      assertThat(together(runtime, rows, List.of(SamplingParams.GREEDY)))
          .usingRecursiveComparison()
          .isNotEqualTo(first);
    }
  }

  @Test
  void mixedRowsGetWhatTheirOwnParametersGive() throws IOException {
    List<Row> rows = Records.all().subList(0, ROWS);
    List<SamplingParams> mixed = new ArrayList<>(ways());
    mixed.add(SamplingParams.GREEDY);
    try (ModelRuntime runtime = open()) {
      List<int[]> together = together(runtime, rows, mixed);
      for (int way = 0; way < mixed.size(); way++) {
        List<int[]> same = together(runtime, rows, List.of(mixed.get(way)));
        for (int i = way; i < ROWS; i += mixed.size()) {
          assertThat(together.get(i)).as("row %d of the mixed batch", i).isEqualTo(same.get(i));
        }
      }
    }
  }

  @Test
  void topKOfOneIsGreedy() throws IOException {
    List<Row> rows = Records.all().subList(0, ROWS);
    try (ModelRuntime runtime = open()) {
      assertThat(together(runtime, rows, List.of(new SamplingParams(5, 1, 1, 5))))
          .usingRecursiveComparison()
          .isEqualTo(together(runtime, rows, List.of(SamplingParams.GREEDY)));
    }
  }
}
