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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.KvDtype;

/**
 * Rows of all kinds, some of them cancelled, in a pool that is far too small: what rows give is
 * what they give in a large pool, bit for bit, and in the end the caches of all members are alike.
 */
@Timeout(60)
class CellRandomTest {

  private static final Path MODEL = Path.of("src/test/resources/golden/tiny-llama");
  private static final int TILE = 8;
  private static final int TILE_BYTES = 3 * 2 * TILE * 32 * Float.BYTES;
  private static final EngineConfig ENGINE = new EngineConfig(12, 48, 16, 1000, true, false);
  private static final int ROWS = 30;
  private static final int MOST_WORKLOADS = 5;
  private static final int VOCAB = 512;

  private static RuntimeOptions options(int groups) {
    return new RuntimeOptions(
        TILE,
        KvDtype.FLOAT32,
        (long) groups * TILE_BYTES,
        1,
        0,
        "auto",
        "auto",
        60_000,
        null,
        ENGINE);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void smallPoolsAndCancelledRowsChangeNothing(int shards) throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    long preemptions = 0;
    // Rows that are short or end early may all fit: then other rows are tried, so that some are set
    // back.
    for (int i = 0; i < MOST_WORKLOADS && preemptions == 0; i++) {
      preemptions = compare(shards, seed + 2 * i);
    }
    assertThat(preemptions).as("seed %d", seed).isPositive();
  }

  /** Preemptions of the small pool. */
  private static long compare(int shards, long seed) throws Exception {
    List<GenerationRequest> requests = requests(new Random(seed));
    List<List<int[]>> expected;
    try (TestCell cell = new TestCell(MODEL, options(4000), shards)) {
      expected = cell.run(runtime -> run(runtime, requests, Set.of()));
    }
    Set<Integer> cancelled = Set.copyOf(new Random(seed + 1).ints(6, 0, ROWS).boxed().toList());
    try (TestCell cell = new TestCell(MODEL, options(40), shards)) {
      for (int job = 0; job < 2; job++) {
        requireSame(cell.run(runtime -> run(runtime, requests, cancelled)), expected, seed);
        cell.checkAlike();
      }
      assertThat(cell.member(0).cache().stats().evictedTiles()).as("seed %d", seed).isPositive();
      return cell.member(0).engine().stats().preemptions();
    }
  }

  private static void requireSame(List<List<int[]>> given, List<List<int[]>> expected, long seed) {
    for (int i = 0; i < ROWS; i++) {
      if (!given.get(i).isEmpty()) {
        assertThat(given.get(i).toArray())
            .as("seed %d, row %d", seed, i)
            .usingRecursiveComparison()
            .isEqualTo(expected.get(i).toArray());
      }
    }
  }

  private static List<GenerationRequest> requests(Random random) {
    int[] header = random.ints(30, 2, VOCAB).toArray();
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      int shared = random.nextInt(header.length + 1);
      int[] prompt = random.ints(shared + 1 + random.nextInt(20), 2, VOCAB).toArray();
      System.arraycopy(header, 0, prompt, 0, shared);
      int beams = random.nextInt(4) == 0 ? 3 : 1;
      double temperature = random.nextBoolean() ? 1 : 0;
      requests.add(
          new GenerationRequest(
              1,
              i,
              prompt,
              16 + random.nextInt(24),
              Set.of(1),
              List.of(),
              new SamplingParams(beams == 1 ? temperature : 0, 0, 1, 7),
              beams,
              1.0,
              false,
              random.nextInt(5) == 0 ? "a salt" : null));
    }
    return requests;
  }

  /** Tokens of every row's sequences; none of a row that was cancelled in time. */
  private static List<List<int[]>> run(
      ModelRuntime runtime, List<GenerationRequest> requests, Set<Integer> cancelled) {
    List<CompletableFuture<GenerationResult>> futures =
        requests.stream().map(runtime.engine()::submit).toList();
    List<List<int[]>> tokens = new ArrayList<>();
    for (int i = 0; i < futures.size(); i++) {
      if (cancelled.contains(i) && futures.get(i).cancel(false)) {
        tokens.add(List.of());
      } else {
        GenerationResult result = futures.get(i).orTimeout(30, TimeUnit.SECONDS).join();
        tokens.add(result.sequences().stream().map(GenerationResult.Sequence::tokens).toList());
      }
    }
    return tokens;
  }
}
