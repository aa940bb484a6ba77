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
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.TileKvException;

class TokenSamplerTest {
  private static final long SEED = 99;
  private static final int DRAWS = 20_000;
  private static final float[] LOGITS = {0.5f, -1f, 2f, 1.5f, 2f, -3f, 0f, 1f};

  private final TokenSampler sampler = new TokenSampler();

  private int[] histogram(float[] logits, SamplingParams params) {
    int[] counts = new int[logits.length];
    for (int draw = 0; draw < DRAWS; draw++) {
      counts[sampler.next(logits, 0, logits.length, params, draw / 100, draw % 100)]++;
    }
    return counts;
  }

  /** Pearson's chi-square of observed counts against the expected distribution. */
  private static double chiSquare(int[] counts, double[] expected) {
    double sum = 0;
    for (int i = 0; i < counts.length; i++) {
      double wanted = expected[i] * DRAWS;
      if (wanted == 0) {
        assertThat(counts[i]).as("token %d must never be drawn", i).isZero();
      } else {
        sum += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
      }
    }
    return sum;
  }

  private static double[] softmax(double temperature, int... kept) {
    double[] p = new double[LOGITS.length];
    double total = 0;
    for (int i : kept) {
      p[i] = Math.exp(LOGITS[i] / temperature);
      total += p[i];
    }
    for (int i : kept) {
      p[i] /= total;
    }
    return p;
  }

  @Test
  void greedyTakesTheFirstOfTheLargest() {
    assertThat(sampler.next(LOGITS, 0, 8, SamplingParams.GREEDY, 1, 1)).isEqualTo(2);
    assertThat(sampler.next(LOGITS, 3, 5, SamplingParams.GREEDY, 1, 1)).isEqualTo(1);
  }

  // 24.3 is the 99.9 % quantile for 7 degrees of freedom; the seed is fixed.
  @Test
  void temperatureGivesTheSoftmax() {
    for (double temperature : new double[] {0.5, 1, 2}) {
      int[] counts = histogram(LOGITS, new SamplingParams(temperature, 0, 1, SEED));
      assertThat(chiSquare(counts, softmax(temperature, 0, 1, 2, 3, 4, 5, 6, 7))).isLessThan(24.3);
    }
  }

  @Test
  void topKKeepsTheLikeliest() {
    int[] counts = histogram(LOGITS, new SamplingParams(1.5, 3, 1, SEED));
    assertThat(chiSquare(counts, softmax(1.5, 2, 4, 3))).isLessThan(13.8);
  }

  @Test
  void topPKeepsTheSmallestSetThatHoldsIt() {
    // Probabilities at temperature 1: 0.303, 0.303, 0.184, 0.111, ...
    int[] counts = histogram(LOGITS, new SamplingParams(1, 0, 0.7, SEED));
    assertThat(chiSquare(counts, softmax(1, 2, 4, 3))).isLessThan(13.8);
    int[] both = histogram(LOGITS, new SamplingParams(1, 4, 0.6, SEED));
    assertThat(chiSquare(both, softmax(1, 2, 4))).isLessThan(10.9);
    int[] one = histogram(LOGITS, new SamplingParams(1, 0, 1e-9, SEED));
    assertThat(one[2]).isEqualTo(DRAWS);
  }

  @Test
  void topPOverALargeFlatVocabularyFindsItsNucleus() {
    float[] flat = new float[5000];
    Random random = new Random(SEED);
    for (int i = 0; i < flat.length; i++) {
      flat[i] = random.nextFloat();
    }
    SamplingParams params = new SamplingParams(1, 0, 0.5, SEED);
    double mean = 0;
    for (int row = 0; row < DRAWS; row++) {
      mean += flat[sampler.next(flat, 0, flat.length, params, row, 7)] / (double) DRAWS;
    }
    // The kept logits spread over 0.38, so the mean of the draws has a deviation of 0.0025.
    assertThat(mean).isCloseTo(nucleusMean(flat, 0.5), within(0.0075));
  }

  /** Mean of the logits of the likeliest tokens that hold the mass, weighted by probability. */
  private static double nucleusMean(float[] logits, double mass) {
    double total = 0;
    for (float logit : logits) {
      total += Math.exp(logit);
    }
    Arrays.sort(logits);
    double kept = 0;
    double sum = 0;
    for (int i = logits.length - 1; kept < mass * total; i--) {
      kept += Math.exp(logits[i]);
      sum += Math.exp(logits[i]) * logits[i];
    }
    return sum / kept;
  }

  @Test
  void theSameRowDrawsTheSameTokensInAnyOrder() {
    SamplingParams params = new SamplingParams(1, 0, 0.95, SEED);
    int[] forward = new int[50];
    for (int i = 0; i < 50; i++) {
      forward[i] = sampler.next(LOGITS, 0, 8, params, 5, i);
    }
    TokenSampler other = new TokenSampler();
    for (int i = 49; i >= 0; i--) {
      assertThat(other.next(LOGITS, 0, 8, params, 5, i)).isEqualTo(forward[i]);
    }
  }

  @Test
  void refusesLogitsWithoutAFiniteMaximum() {
    assertThatThrownBy(
            () ->
                sampler.next(new float[] {Float.NaN, Float.NaN}, 0, 2, SamplingParams.GREEDY, 1, 1))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("NaN");
    float[] infinite = {1, Float.POSITIVE_INFINITY};
    assertThatThrownBy(() -> sampler.next(infinite, 0, 2, SamplingParams.GREEDY, 1, 1))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("Infinity");
  }
}
