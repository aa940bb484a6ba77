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
package org.tilekv.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tilekv.ComputePool;
import org.tilekv.engine.GoldenBeams;
import org.tilekv.llm.GoldenCheckpoint.Case;

/**
 * Logits, greedy tokens and beams of whole models against known answers, and the same bits however
 * the tokens come in. More checkpoints can be tried: {@code -Dtilekv.golden.dir=DIR}.
 */
class GoldenCheckpointTest {

  private static final float TOLERANCE = 2e-3f;
  private static final int WHOLE = Integer.MAX_VALUE;
  private static final int[] CHUNKS = {WHOLE, 64, 7, 1};
  private static final int[] TILES = {8, 16, 64};

  static Stream<GoldenCheckpoint> checkpoints() {
    return GoldenCheckpoint.all();
  }

  static Stream<Arguments> checkpointsAndTiles() {
    return checkpoints()
        .flatMap(golden -> Arrays.stream(TILES).mapToObj(tiles -> Arguments.of(golden, tiles)));
  }

  @ParameterizedTest(name = "{0}, tiles of {1}")
  @MethodSource("checkpointsAndTiles")
  void logitsAndGreedyTokensMatch(GoldenCheckpoint golden, int tileTokens) {
    try (GoldenRun run =
        GoldenRun.onCpu(golden, tileTokens, MatMulKind.VECTOR, ComputePool.sameThread())) {
      float worst = 0;
      for (Case c : golden.cases()) {
        worst = Math.max(worst, assertClose(run.logits(c.prompt(), new int[0], WHOLE)[0], c));
        assertThat(run.greedy(c.prompt(), c.greedy().length))
            .as("greedy tokens after %d", c.prompt().length)
            .isEqualTo(c.greedy());
      }
      System.out.printf(
          "golden %s, tiles of %d: %d prompts, greedy tokens equal, logits within %.1e%n",
          golden, tileTokens, golden.cases().size(), worst);
    }
  }

  @ParameterizedTest(name = "{0}, tiles of {1}")
  @MethodSource("checkpointsAndTiles")
  void chunksAndWarmPrefixesDoNotChangeBits(GoldenCheckpoint golden, int tileTokens) {
    try (GoldenRun run =
        GoldenRun.onCpu(golden, tileTokens, MatMulKind.VECTOR, ComputePool.sameThread())) {
      for (Case c : golden.cases()) {
        int[] fed = Arrays.copyOf(c.greedy(), c.greedy().length - 1);
        run.clear();
        float[][] expected = run.logits(c.prompt(), fed, WHOLE);
        for (int chunk : CHUNKS) {
          int cached = run.cachedTokens(c.prompt());
          assertThat(cached)
              .isGreaterThanOrEqualTo((c.prompt().length - 1) / tileTokens * tileTokens);
          assertThat(run.logits(c.prompt(), fed, chunk))
              .as("warm with %d cached, chunk %d", cached, chunk)
              .isDeepEqualTo(expected);
          run.clear();
          assertThat(run.logits(c.prompt(), fed, chunk))
              .as("cold, chunk %d", chunk)
              .isDeepEqualTo(expected);
        }
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("checkpoints")
  void batchesThreadsAndKernelsDoNotChangeBits(GoldenCheckpoint golden) {
    int[][] prompts = golden.cases().stream().map(Case::prompt).toArray(int[][]::new);
    float[][] expected;
    try (GoldenRun run = GoldenRun.onCpu(golden, 16, MatMulKind.VECTOR, ComputePool.sameThread())) {
      expected =
          Arrays.stream(prompts)
              .map(prompt -> run.logits(prompt, new int[0], WHOLE)[0])
              .toArray(float[][]::new);
    }
    for (MatMulKind kind : MatMulKind.values()) {
      try (ComputePool pool = ComputePool.of(3);
          GoldenRun run = GoldenRun.onCpu(golden, 16, kind, pool)) {
        assertThat(run.together(prompts)).as("%s", kind).isDeepEqualTo(expected);
      }
    }
  }

  static Stream<Arguments> checkpointsTilesAndChunks() {
    return checkpoints()
        .filter(golden -> golden.cases().stream().anyMatch(c -> !c.beams().isEmpty()))
        .flatMap(
            golden ->
                Arrays.stream(TILES)
                    .boxed()
                    .flatMap(
                        tiles ->
                            Arrays.stream(CHUNKS)
                                .mapToObj(chunk -> Arguments.of(golden, tiles, chunk))));
  }

  @ParameterizedTest(name = "{0}, tiles of {1}, chunks of {2}")
  @MethodSource("checkpointsTilesAndChunks")
  void beamsAndScoresMatchColdAndWarm(GoldenCheckpoint golden, int tileTokens, int chunkTokens) {
    GoldenBeams.check(golden, tileTokens, chunkTokens);
  }

  /** Returns the largest difference. */
  private static float assertClose(float[] logits, Case expected) {
    assertThat(logits).hasSameSizeAs(expected.lastLogits());
    float worst = 0;
    for (int i = 0; i < logits.length; i++) {
      assertThat(logits[i])
          .as("logit %d after %d tokens", i, expected.prompt().length)
          .isCloseTo(expected.lastLogits()[i], within(TOLERANCE));
      worst = Math.max(worst, Math.abs(logits[i] - expected.lastLogits()[i]));
    }
    return worst;
  }
}
