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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.TileKvException;

class ModelRuntimesTest {
  private static final Path MODEL = Path.of("src/test/resources/golden/tiny-llama");
  // 3 layers x (K, V) x 16 tokens x 32 elements x 4 bytes
  private static final int PAGE_BYTES = 12288;
  private static final EngineConfig ENGINE = new EngineConfig(16, 128, 64, 1000, true, false);

  @AfterEach
  void noThreadStaysBehind() {
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(t -> t.isAlive() && t.getName().startsWith("tilekv-"));
  }

  private static RuntimeOptions options(long poolBytes, String matMul) {
    return new RuntimeOptions(
        16, KvDtype.FLOAT32, poolBytes, 2, 0, matMul, "auto", 60_000, null, ENGINE);
  }

  private static void assertRefused(RuntimeOptions options, String... message) {
    assertThatThrownBy(() -> ModelRuntimes.open(MODEL, options).close())
        .isInstanceOf(RuntimeException.class)
        .hasMessageContainingAll(message);
  }

  @Test
  void refusesWhatCannotWorkAndLeavesNothingOpen() {
    assertRefused(options(2 * PAGE_BYTES - 1, "auto"), "holds 1 pages of 12288 bytes", "24576");
    long heapBytes = Runtime.getRuntime().maxMemory();
    assertRefused(
        options(4 * heapBytes, "auto"), "pool of " + 4 * heapBytes, "heap of at most " + heapBytes);
    assertRefused(options(100 * PAGE_BYTES, "magic"), "magic", "scalar");
    assertThatThrownBy(() -> ModelRuntimes.open(Path.of("no/model"), options(1 << 20, "auto")))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("no/model");
  }

  @Test
  void rowsThatDoNotFitTheSmallestPoolFailAlone() {
    try (ModelRuntime runtime = ModelRuntimes.open(MODEL, options(4 * PAGE_BYTES, "auto"))) {
      CompletableFuture<GenerationResult> fits =
          runtime.engine().submit(EngineFixture.greedy(1, new int[20], 8));
      CompletableFuture<GenerationResult> tooLong =
          runtime.engine().submit(EngineFixture.greedy(2, new int[30], 8));
      assertThat(fits.join().best().tokens()).isNotEmpty();
      assertThat(tooLong).isCompletedExceptionally();
    }
  }

  @Test
  void sampledRowsDependOnSeedAndRowKeyAlone() {
    List<GenerationRequest> requests = new ArrayList<>();
    Random random = new Random(8);
    for (int[] prompt : EngineFixture.sharedHeaderPrompts(random, 3, 20)) {
      SamplingParams sampling = new SamplingParams(0.9, requests.size() % 2 * 40, 0.95, 77);
      requests.add(
          new GenerationRequest(
              1,
              requests.size() % 10,
              prompt,
              20,
              Set.of(1),
              List.of(),
              sampling,
              1,
              1,
              false,
              null));
    }
    List<String> large = sample(requests, options(400 * PAGE_BYTES, "auto"));
    List<String> small = sample(requests, options(20 * PAGE_BYTES, "auto"));
    assertThat(small).isEqualTo(large);
    assertThat(large.stream().distinct().count()).isGreaterThan(15);
  }

  private static List<String> sample(List<GenerationRequest> requests, RuntimeOptions options) {
    try (ModelRuntime runtime = ModelRuntimes.open(MODEL, options)) {
      List<CompletableFuture<GenerationResult>> futures =
          requests.stream().map(runtime.engine()::submit).toList();
      return futures.stream()
          .map(future -> java.util.Arrays.toString(future.join().best().tokens()))
          .toList();
    }
  }
}
