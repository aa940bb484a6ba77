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

import org.tilekv.TileKvException;

/**
 * Chooses the next token from a row of logits: the likeliest one, or one drawn after temperature,
 * top-k and top-p, in this order. All arithmetic is in double with {@link StrictMath}, sums run in
 * a fixed order, and the random number belongs to (seed, row key, position): the choice is the same
 * on every executor. Confined to the engine's thread.
 */
final class TokenSampler {
  private static final int FIRST_NUCLEUS = 64;
  private static final int NUCLEUS_GROWTH = 8;

  private final TopLogits top = new TopLogits();
  private double[] weights = new double[0];

  /**
   * @param position position of the token to choose, counted from the start of the prompt
   * @throws TileKvException when no logit is a number
   */
  int next(
      float[] logits, int offset, int vocab, SamplingParams params, long rowKey, int position) {
    boolean greedy = params.temperature() == 0;
    double draw = greedy ? 0 : Philox.uniform(params.seed(), rowKey, position);
    return next(logits, offset, vocab, params, draw);
  }

  /**
   * @param draw where in the mass of the tokens left the token is, in [0, 1)
   * @throws TileKvException when no logit is a number
   */
  int next(float[] logits, int offset, int vocab, SamplingParams params, double draw) {
    int best = argmax(logits, offset, vocab);
    if (params.temperature() == 0) {
      return best;
    }
    double max = logits[offset + best];
    if (params.topK() > 0 && params.topK() < vocab) {
      int kept = top.select(logits, offset, vocab, params.topK());
      return drawFromTop(kept, max, params, draw);
    }
    double total = weigh(logits, offset, vocab, max, params.temperature());
    return params.topP() < 1
        ? drawFromNucleus(logits, offset, vocab, max, params, total, draw)
        : drawFromAll(vocab, best, total * draw);
  }

  /** Index of the largest logit, the first among equals. */
  static int argmax(float[] logits, int offset, int vocab) {
    int best = -1;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < vocab; i++) {
      if (logits[offset + i] > max) {
        max = logits[offset + i];
        best = i;
      }
    }
    if (best < 0 || max == Float.POSITIVE_INFINITY) {
      throw new TileKvException(
          "the decoder's logits have no finite maximum (it is " + (best < 0 ? "NaN" : max) + ")");
    }
    return best;
  }

  private double weigh(float[] logits, int offset, int vocab, double max, double temperature) {
    ensureWeights(vocab);
    double total = 0;
    for (int i = 0; i < vocab; i++) {
      double logit = logits[offset + i];
      weights[i] = Double.isNaN(logit) ? 0 : StrictMath.exp((logit - max) / temperature);
      total += weights[i];
    }
    return total;
  }

  private int drawFromAll(int vocab, int best, double target) {
    double sum = 0;
    for (int i = 0; i < vocab; i++) {
      sum += weights[i];
      if (sum > target) {
        return i;
      }
    }
    return best;
  }

  private int drawFromNucleus(
      float[] logits,
      int offset,
      int vocab,
      double max,
      SamplingParams params,
      double total,
      double draw) {
    double wanted = params.topP() * total;
    for (int size = FIRST_NUCLEUS; ; size *= NUCLEUS_GROWTH) {
      int kept = top.select(logits, offset, vocab, Math.min(size, vocab));
      if (mass(kept, max, params.temperature()) >= wanted || size >= vocab) {
        return drawRanked(nucleus(kept, wanted), draw);
      }
    }
  }

  private int drawFromTop(int kept, double max, SamplingParams params, double draw) {
    double total = mass(kept, max, params.temperature());
    return drawRanked(params.topP() < 1 ? nucleus(kept, params.topP() * total) : kept, draw);
  }

  /** Weighs the ranked tokens; returns the sum. */
  private double mass(int kept, double max, double temperature) {
    ensureWeights(kept);
    double sum = 0;
    for (int rank = 0; rank < kept; rank++) {
      weights[rank] = StrictMath.exp((top.logit(rank) - max) / temperature);
      sum += weights[rank];
    }
    return sum;
  }

  /** Fewest leading ranks that hold the wanted mass. */
  private int nucleus(int kept, double wanted) {
    double sum = 0;
    for (int rank = 0; rank < kept; rank++) {
      sum += weights[rank];
      if (sum >= wanted) {
        return rank + 1;
      }
    }
    return kept;
  }

  private int drawRanked(int kept, double draw) {
    double total = 0;
    for (int rank = 0; rank < kept; rank++) {
      total += weights[rank];
    }
    double target = total * draw;
    double sum = 0;
    for (int rank = 0; rank < kept; rank++) {
      sum += weights[rank];
      if (sum > target) {
        return top.token(rank);
      }
    }
    return top.token(0);
  }

  private void ensureWeights(int length) {
    if (weights.length < length) {
      weights = new double[length];
    }
  }
}
