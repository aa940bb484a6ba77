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
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.tilekv.KvDtype;
import org.tilekv.engine.GenerationResult.Sequence;
import org.tilekv.llm.GoldenCheckpoint;
import org.tilekv.llm.GoldenCheckpoint.Case;

/** Compares beam search over the prompts of a golden checkpoint with its beams. */
public final class GoldenBeams {
  private static final int NEW_TOKENS = 24;
  private static final int MOST_STEP_TOKENS = 4096;
  private static final long POOL_BYTES = 64 << 20;
  private static final double SCORE_TOLERANCE = 2e-4;
  private static final double SWAP_TOLERANCE = 1e-4;

  private GoldenBeams() {}

  /** Runs all prompts together, twice: the second time on a warm cache. */
  public static void check(GoldenCheckpoint golden, int tileTokens, int chunkTokens) {
    List<Case> cases = golden.cases().stream().filter(c -> !c.beams().isEmpty()).toList();
    int chunk = Math.min(chunkTokens, MOST_STEP_TOKENS);
    EngineConfig engine = new EngineConfig(64, MOST_STEP_TOKENS, chunk, 0, true, false);
    RuntimeOptions options =
        new RuntimeOptions(
            tileTokens, KvDtype.FLOAT32, POOL_BYTES, 2, 0, "auto", "auto", 60_000, null, engine);
    try (ModelRuntime runtime = ModelRuntimes.open(golden.directory(), options)) {
      search(runtime, cases, 0);
      search(runtime, cases, tileTokens);
      runtime.cache().checkIntegrity();
      assertThat(runtime.cache().stats().pinnedPages()).isZero();
    }
  }

  /**
   * @param warmTileTokens tokens of a tile where the cache must have the prompts' full tiles, else
   *     0
   */
  static void search(ModelRuntime runtime, List<Case> cases, int warmTileTokens) {
    Set<Integer> eos = runtime.config().eosTokens();
    List<CompletableFuture<GenerationResult>> futures =
        cases.stream().map(c -> runtime.engine().submit(request(c.prompt(), eos))).toList();
    for (int i = 0; i < futures.size(); i++) {
      GenerationResult result = futures.get(i).join();
      assertBeams(result.sequences(), cases.get(i), eos);
      if (warmTileTokens > 0) {
        int full = (cases.get(i).prompt().length - 1) / warmTileTokens * warmTileTokens;
        assertThat(result.reusedTokens()).isGreaterThanOrEqualTo(full);
      }
    }
  }

  private static GenerationRequest request(int[] prompt, Set<Integer> eos) {
    return new GenerationRequest(
        1,
        prompt.length,
        prompt,
        NEW_TOKENS,
        eos,
        List.of(),
        SamplingParams.GREEDY,
        4,
        1.0,
        false,
        null);
  }

  private static void assertBeams(List<Sequence> found, Case expected, Set<Integer> eos) {
    assertThat(found).hasSize(expected.beams().size());
    for (int rank = 0; rank < found.size(); rank++) {
      Sequence sequence = found.get(rank);
      assertThat(sequence.score())
          .as("score %d of the prompt of %d tokens", rank, expected.prompt().length)
          .isCloseTo(expected.beamScores()[rank], within(SCORE_TOLERANCE));
      assertThat(allowedAt(rank, expected, eos))
          .as("beam %d of the prompt of %d tokens", rank, expected.prompt().length)
          .anyMatch(beam -> Arrays.equals(beam, sequence.tokens()));
    }
    assertThat(found.stream().map(s -> Arrays.toString(s.tokens())).distinct())
        .hasSize(found.size());
  }

  /** The golden beam of a rank, and those whose scores cannot be told from its score. */
  private static List<int[]> allowedAt(int rank, Case expected, Set<Integer> eos) {
    List<int[]> allowed = new ArrayList<>();
    for (int other = 0; other < expected.beams().size(); other++) {
      if (Math.abs(expected.beamScores()[other] - expected.beamScores()[rank]) < SWAP_TOLERANCE) {
        allowed.add(withoutPadding(expected.beams().get(other), eos));
      }
    }
    return allowed;
  }

  /** Shorter beams are filled up with an EOS id. */
  private static int[] withoutPadding(int[] beam, Set<Integer> eos) {
    for (int i = 0; i < beam.length; i++) {
      if (eos.contains(beam[i])) {
        return Arrays.copyOf(beam, i + 1);
      }
    }
    return beam;
  }
}
