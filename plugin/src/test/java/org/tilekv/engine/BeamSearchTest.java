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
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tilekv.engine.GenerationResult.FinishReason;
import org.tilekv.engine.GenerationResult.Sequence;

class BeamSearchTest {
  private static final int EOS = 0;

  /** A Markov chain over four tokens; token 0 ends. Rows are P(next | last). */
  private static final double[][] CHAIN = {
    {0.25, 0.25, 0.25, 0.25},
    {0.10, 0.20, 0.40, 0.30},
    {0.50, 0.15, 0.05, 0.30},
    {0.30, 0.60, 0.06, 0.04},
  };

  private static float[] logits(int[] history) {
    float[] logits = new float[4];
    for (int i = 0; i < 4; i++) {
      logits[i] = (float) Math.log(CHAIN[history[history.length - 1]][i]) + 3;
    }
    return logits;
  }

  private static GenerationRequest request(int beams, int maxNew, double penalty, boolean early) {
    return new GenerationRequest(
        1,
        1,
        new int[] {1},
        maxNew,
        Set.of(EOS),
        List.of(),
        SamplingParams.GREEDY,
        beams,
        penalty,
        early,
        null);
  }

  private static List<Sequence> search(GenerationRequest request) {
    FakeKvCache cache = new FakeKvCache(200, 8, 2, 64);
    FakeDecoder decoder = new FakeDecoder(cache, 4, 64, BeamSearchTest::logits);
    return new EngineFixture(cache, decoder, EngineFixture.CONFIG)
        .run(List.of(request))
        .get(0)
        .sequences();
  }

  @Test
  void followsTheDefinitionByHand() {
    // From 1: tokens 2 (.4), 3 (.3), 1 (.2), 0 (.1): beams [2], [3].
    // Then [2,0] .20, [3,1] .18, [2,3] .12, [3,0] .09: [2,0] ends; beams [3,1], [2,3].
    // Then [3,1,2] .072, [2,3,1] .072, ...: nothing ends within the best two; of the four kept,
    // [3,1,3] .054 and [2,3,0] .036 follow. The last step ends at the length limit.
    List<Sequence> found = search(request(2, 3, 1.0, false));
    assertThat(found).hasSize(2);
    assertThat(found.get(0).tokens()).containsExactly(2, 0);
    assertThat(found.get(0).score()).isCloseTo(Math.log(0.20) / 2, within(1e-6));
    assertThat(found.get(0).reason()).isEqualTo(FinishReason.EOS);
    assertThat(found.get(0).textTokens()).isEqualTo(1);
    assertThat(found.get(1).score()).isCloseTo(Math.log(0.072) / 3, within(1e-6));
    assertThat(found.get(1).reason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void lengthPenaltyMovesTheRanking() {
    // Sum over length^2 favours long answers, over length^0 short ones.
    assertThat(search(request(2, 6, 2.0, false)).get(0).tokens()).hasSize(6);
    assertThat(search(request(2, 6, 0.0, false)).get(0).tokens()).containsExactly(2, 0);
  }

  @Test
  void earlyStoppingEndsWithTheFirstFullSetOfHypotheses() {
    List<Sequence> early = search(request(2, 12, 2.0, true));
    List<Sequence> late = search(request(2, 12, 2.0, false));
    assertThat(early.get(0).tokens().length).isLessThan(late.get(0).tokens().length);
    assertThat(early).allMatch(sequence -> sequence.reason() == FinishReason.EOS);
  }

  /** With as many beams as there are continuations nothing is pruned: exhaustive search. */
  @Test
  void wideBeamsFindTheBestOfAll() {
    FakeKvCache cache = new FakeKvCache(400, 64, 2, 64);
    FakeDecoder decoder = new FakeDecoder(cache, 4, 64, BeamSearchTest::logits);
    EngineFixture fixture =
        new EngineFixture(cache, decoder, new EngineConfig(64, 64, 16, 0, true, false));
    Sequence best = fixture.run(List.of(request(64, 4, 1.0, false))).get(0).best();
    double score = allSequences(4).stream().max(Comparator.naturalOrder()).orElseThrow();
    assertThat(best.score()).isCloseTo(score, within(1e-6));
  }

  private static List<Double> allSequences(int maxNew) {
    List<Double> scores = new ArrayList<>();
    extend(new int[] {1}, 0, maxNew, scores);
    return scores;
  }

  private static void extend(int[] history, double sum, int left, List<Double> scores) {
    IntStream.range(0, 4)
        .forEach(
            token -> {
              double next = sum + Math.log(CHAIN[history[history.length - 1]][token]);
              if (token == EOS || left == 1) {
                scores.add(next / history.length);
              } else {
                int[] longer = Arrays.copyOf(history, history.length + 1);
                longer[history.length] = token;
                extend(longer, next, left - 1, scores);
              }
            });
  }

  @Test
  void oneTokenAnswersNeedNoFork() {
    List<Sequence> found = search(request(2, 1, 1.0, false));
    assertThat(found).extracting(Sequence::tokens).containsExactly(new int[] {2}, new int[] {3});
  }
}
