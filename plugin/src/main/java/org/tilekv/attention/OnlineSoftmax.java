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
package org.tilekv.attention;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Softmax in one pass: per row the running maximum and the running sum of exponentials (Milakov and
 * Gimelshein, "Online normalizer calculation for softmax", 2018).
 *
 * <p>The sum is kept per lane and folded by halves at the end. Confined to one worker.
 */
final class OnlineSoftmax {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  /** Elements behind a row's last score that {@link #weigh} overwrites at most. */
  static final int PADDING = LANES;

  private final float[] maxima;
  private final float[] laneSums;
  private final float[] laneMaxima = new float[LANES];

  private final float[] factors;

  OnlineSoftmax(int rows) {
    maxima = new float[rows];
    laneSums = new float[rows * LANES];
    factors = new float[rows];
  }

  /** Forgets everything about the first {@code rows} rows. */
  void reset(int rows) {
    Arrays.fill(maxima, 0, rows, Float.NEGATIVE_INFINITY);
    Arrays.fill(laneSums, 0, rows * LANES, 0f);
  }

  /** Replaces a row's next {@code count} scores by weights relative to the new maximum. */
  void weigh(int row, float[] scores, int index, int count) {
    int padded = (count + LANES - 1) / LANES * LANES;
    Arrays.fill(scores, index + count, index + padded, Float.NEGATIVE_INFINITY);
    float before = maxima[row];
    float max = Math.max(before, max(scores, index, padded));
    float factor = max == before ? 1f : TableExp.exp(before - max);
    TableExp.exp(scores, index, -max, scores, index, padded);
    addToSums(row, factor, scores, index, padded);
    maxima[row] = max;
    factors[row] = factor;
  }

  private void addToSums(int row, float factor, float[] weights, int index, int padded) {
    FloatVector sums = FloatVector.fromArray(FLOATS, laneSums, row * LANES).mul(factor);
    for (int i = 0; i < padded; i += LANES) {
      sums = sums.add(FloatVector.fromArray(FLOATS, weights, index + i));
    }
    sums.intoArray(laneSums, row * LANES);
  }

  private float max(float[] scores, int index, int padded) {
    FloatVector max = FloatVector.fromArray(FLOATS, scores, index);
    for (int i = LANES; i < padded; i += LANES) {
      max = max.max(FloatVector.fromArray(FLOATS, scores, index + i));
    }
    max.intoArray(laneMaxima, 0);
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        float a = laneMaxima[i];
        float b = laneMaxima[half + i];
        laneMaxima[i] = b > a ? b : a;
      }
    }
    return laneMaxima[0];
  }

  /** By how much the last {@link #weigh} of a row shrinks what was summed up before it. */
  float factor(int row) {
    return factors[row];
  }

  /** Sum of a row's weights relative to its last maximum. */
  float sum(int row) {
    int base = row * LANES;
    for (int half = LANES / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        laneSums[base + i] += laneSums[base + half + i];
      }
    }
    return laneSums[base];
  }
}
