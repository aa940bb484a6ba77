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

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Inner products {@code q.k} over a range of slots, for four query rows that share each load of a
 * key, or for one. Leaves one partial vector per product; {@link ScoreFold} makes scores of them.
 *
 * <p>A partial vector is one chain of fused multiply-adds per lane over the vectors of the head,
 * the same in both forms.
 *
 * <p>Kernels are methods of their own and small: vectors stay in registers only where the compiler
 * inlines all that a method calls, and it stops at a certain number of nodes.
 */
final class ScoreKernel {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  /** Query rows of the wide form. */
  static final int ROWS = 4;

  /** Keys are taken by as many; the last is repeated where the range ends earlier. */
  static final int KEYS = 4;

  private ScoreKernel() {}

  /** Elements of the partial vectors of up to {@code maxCount} keys. */
  static int partials(int maxCount) {
    return (maxCount + KEYS - 1) / KEYS * KEYS * ROWS * LANES;
  }

  /**
   * Products of four query rows and {@code count} keys.
   *
   * @param q rows of {@code dim} elements, one behind the other
   * @param partials {@code [key / 4][row][key % 4]} vectors, see {@link #partials(int)}
   */
  static void four(
      float[] q, int qIndex, float[] keys, int keysIndex, int dim, int count, float[] partials) {
    int vectorDim = FLOATS.loopBound(dim);
    int q1 = qIndex + dim;
    int q2 = q1 + dim;
    int q3 = q2 + dim;
    for (int i = 0; i < count; i += 4) {
      int last = count - 1;
      int k0 = keysIndex + i * dim;
      int k1 = keysIndex + Math.min(i + 1, last) * dim;
      int k2 = keysIndex + Math.min(i + 2, last) * dim;
      int k3 = keysIndex + Math.min(i + 3, last) * dim;
      FloatVector s00 = FloatVector.zero(FLOATS);
      FloatVector s01 = s00;
      FloatVector s02 = s00;
      FloatVector s03 = s00;
      FloatVector s10 = s00;
      FloatVector s11 = s00;
      FloatVector s12 = s00;
      FloatVector s13 = s00;
      FloatVector s20 = s00;
      FloatVector s21 = s00;
      FloatVector s22 = s00;
      FloatVector s23 = s00;
      FloatVector s30 = s00;
      FloatVector s31 = s00;
      FloatVector s32 = s00;
      FloatVector s33 = s00;
      for (int d = 0; d < vectorDim; d += LANES) {
        FloatVector x0 = FloatVector.fromArray(FLOATS, keys, k0 + d);
        FloatVector x1 = FloatVector.fromArray(FLOATS, keys, k1 + d);
        FloatVector x2 = FloatVector.fromArray(FLOATS, keys, k2 + d);
        FloatVector x3 = FloatVector.fromArray(FLOATS, keys, k3 + d);
        FloatVector y = FloatVector.fromArray(FLOATS, q, qIndex + d);
        s00 = y.fma(x0, s00);
        s01 = y.fma(x1, s01);
        s02 = y.fma(x2, s02);
        s03 = y.fma(x3, s03);
        y = FloatVector.fromArray(FLOATS, q, q1 + d);
        s10 = y.fma(x0, s10);
        s11 = y.fma(x1, s11);
        s12 = y.fma(x2, s12);
        s13 = y.fma(x3, s13);
        y = FloatVector.fromArray(FLOATS, q, q2 + d);
        s20 = y.fma(x0, s20);
        s21 = y.fma(x1, s21);
        s22 = y.fma(x2, s22);
        s23 = y.fma(x3, s23);
        y = FloatVector.fromArray(FLOATS, q, q3 + d);
        s30 = y.fma(x0, s30);
        s31 = y.fma(x1, s31);
        s32 = y.fma(x2, s32);
        s33 = y.fma(x3, s33);
      }
      int p = i * ROWS * LANES;
      s00.intoArray(partials, p);
      s01.intoArray(partials, p + LANES);
      s02.intoArray(partials, p + 2 * LANES);
      s03.intoArray(partials, p + 3 * LANES);
      s10.intoArray(partials, p + 4 * LANES);
      s11.intoArray(partials, p + 5 * LANES);
      s12.intoArray(partials, p + 6 * LANES);
      s13.intoArray(partials, p + 7 * LANES);
      s20.intoArray(partials, p + 8 * LANES);
      s21.intoArray(partials, p + 9 * LANES);
      s22.intoArray(partials, p + 10 * LANES);
      s23.intoArray(partials, p + 11 * LANES);
      s30.intoArray(partials, p + 12 * LANES);
      s31.intoArray(partials, p + 13 * LANES);
      s32.intoArray(partials, p + 14 * LANES);
      s33.intoArray(partials, p + 15 * LANES);
    }
  }

  /** Products of one query row; partials are {@code [key]} vectors. */
  static void one(
      float[] q, int qIndex, float[] keys, int keysIndex, int dim, int count, float[] partials) {
    int vectorDim = FLOATS.loopBound(dim);
    for (int i = 0; i < count; i += 4) {
      int last = count - 1;
      int k0 = keysIndex + i * dim;
      int k1 = keysIndex + Math.min(i + 1, last) * dim;
      int k2 = keysIndex + Math.min(i + 2, last) * dim;
      int k3 = keysIndex + Math.min(i + 3, last) * dim;
      FloatVector s0 = FloatVector.zero(FLOATS);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      for (int d = 0; d < vectorDim; d += LANES) {
        FloatVector y = FloatVector.fromArray(FLOATS, q, qIndex + d);
        s0 = y.fma(FloatVector.fromArray(FLOATS, keys, k0 + d), s0);
        s1 = y.fma(FloatVector.fromArray(FLOATS, keys, k1 + d), s1);
        s2 = y.fma(FloatVector.fromArray(FLOATS, keys, k2 + d), s2);
        s3 = y.fma(FloatVector.fromArray(FLOATS, keys, k3 + d), s3);
      }
      int p = i * LANES;
      s0.intoArray(partials, p);
      s1.intoArray(partials, p + LANES);
      s2.intoArray(partials, p + 2 * LANES);
      s3.intoArray(partials, p + 3 * LANES);
    }
  }
}
