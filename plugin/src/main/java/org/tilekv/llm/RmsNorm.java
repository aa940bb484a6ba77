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

/**
 * {@code x / sqrt(mean(x^2) + eps) * weight}; squares are summed in double in eight fixed
 * interleaved sums.
 */
final class RmsNorm {

  private static final int SUMS = 8;

  private final float[] weight;
  private final float eps;

  RmsNorm(float[] weight, float eps) {
    this.weight = weight;
    this.eps = eps;
  }

  /** Normalises {@code weight.length} elements; source and target may be the same place. */
  void apply(float[] x, int at, float[] y, int to) {
    int n = weight.length;
    float scale = (float) (1 / Math.sqrt(sumOfSquares(x, at, n) / n + eps));
    for (int i = 0; i < n; i++) {
      y[to + i] = x[at + i] * scale * weight[i];
    }
  }

  private static double sumOfSquares(float[] x, int at, int n) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    double s4 = 0;
    double s5 = 0;
    double s6 = 0;
    double s7 = 0;
    int i = 0;
    for (; i + SUMS <= n; i += SUMS) {
      s0 += square(x[at + i]);
      s1 += square(x[at + i + 1]);
      s2 += square(x[at + i + 2]);
      s3 += square(x[at + i + 3]);
      s4 += square(x[at + i + 4]);
      s5 += square(x[at + i + 5]);
      s6 += square(x[at + i + 6]);
      s7 += square(x[at + i + 7]);
    }
    for (; i < n; i++) {
      s0 += square(x[at + i]);
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }

  private static double square(float v) {
    return (double) v * v;
  }
}
