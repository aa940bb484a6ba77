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
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The two inner products of attention over a range of slots: scores {@code q.k} and the weighted
 * sum of V, for four query rows that share each load, or for one.
 *
 * <p>Arithmetic, which no blocking changes: a score is one chain of fused multiply-adds per lane
 * over the vectors of the head, folded by halves (lane i with lane i + L/2, then L/4, ...), plus
 * the elements that fill no vector, one after the other. An output element is one chain of fused
 * multiply-adds over the slots in their order. {@code reduceLanes} is not used: its order is
 * unspecified.
 */
final class TileKernel {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  private static final VectorShuffle<Float> SWAP_HALVES = swap(LANES / 2);
  private static final VectorShuffle<Float> SWAP_QUARTERS = swap(LANES / 4);
  private static final VectorShuffle<Float> SWAP_TWO = swap(2 % LANES);
  private static final VectorShuffle<Float> SWAP_ONE = swap(1);
  private static final VectorMask<Float> UPPER_HALVES = having(LANES / 2);
  private static final VectorMask<Float> UPPER_QUARTERS = having(LANES / 4);
  private static final VectorShuffle<Float> FIRST_OF_QUARTERS =
      VectorShuffle.fromOp(FLOATS, i -> i % 4 * (LANES / 4));

  /** Query rows of the wide forms. */
  static final int ROWS = 4;

  /** Elements of the scratch memory for scores. */
  static final int PARTIALS = ROWS * 4 * LANES;

  private TileKernel() {}

  private static VectorShuffle<Float> swap(int distance) {
    return VectorShuffle.fromOp(FLOATS, i -> i ^ distance);
  }

  private static VectorMask<Float> having(int bit) {
    boolean[] lanes = new boolean[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = (i & bit) != 0;
    }
    return VectorMask.fromArray(FLOATS, lanes, 0);
  }

  /**
   * Scores of four query rows against {@code count} keys.
   *
   * @param q rows of {@code dim} elements, one behind the other
   * @param partials scratch memory of {@link #PARTIALS} elements
   * @param out row r, key i at {@code outIndex + r * outStride + i}; up to {@code 4 + LANES}
   *     elements behind a row's last are overwritten
   */
  static void scoresOfFour(
      float[] q,
      int qIndex,
      float[] keys,
      int keysIndex,
      int dim,
      int count,
      float[] partials,
      float[] out,
      int outIndex,
      int outStride) {
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
      s00.intoArray(partials, 0);
      s01.intoArray(partials, LANES);
      s02.intoArray(partials, 2 * LANES);
      s03.intoArray(partials, 3 * LANES);
      s10.intoArray(partials, 4 * LANES);
      s11.intoArray(partials, 5 * LANES);
      s12.intoArray(partials, 6 * LANES);
      s13.intoArray(partials, 7 * LANES);
      s20.intoArray(partials, 8 * LANES);
      s21.intoArray(partials, 9 * LANES);
      s22.intoArray(partials, 10 * LANES);
      s23.intoArray(partials, 11 * LANES);
      s30.intoArray(partials, 12 * LANES);
      s31.intoArray(partials, 13 * LANES);
      s32.intoArray(partials, 14 * LANES);
      s33.intoArray(partials, 15 * LANES);
      foldRows(partials, ROWS, out, outIndex + i, outStride);
    }
    for (int row = 0; vectorDim < dim && row < ROWS; row++) {
      addTails(
          q,
          qIndex + row * dim,
          keys,
          keysIndex,
          dim,
          vectorDim,
          count,
          out,
          outIndex + row * outStride);
    }
  }

  /** Scores of one query row; see {@link #scoresOfFour}. */
  static void scoresOfOne(
      float[] q,
      int qIndex,
      float[] keys,
      int keysIndex,
      int dim,
      int count,
      float[] partials,
      float[] out,
      int outIndex) {
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
      s0.intoArray(partials, 0);
      s1.intoArray(partials, LANES);
      s2.intoArray(partials, 2 * LANES);
      s3.intoArray(partials, 3 * LANES);
      foldRows(partials, 1, out, outIndex + i, 0);
    }
    if (vectorDim < dim) {
      addTails(q, qIndex, keys, keysIndex, dim, vectorDim, count, out, outIndex);
    }
  }

  /**
   * Folds four partial vectors per row to four sums, in a method of its own: inlined behind the
   * loops above it would exceed what the compiler takes into one method, and vectors would be
   * boxed.
   */
  private static void foldRows(
      float[] partials, int rows, float[] out, int outIndex, int outStride) {
    for (int row = 0; row < rows; row++) {
      int first = row * 4 * LANES;
      FloatVector a = FloatVector.fromArray(FLOATS, partials, first);
      FloatVector b = FloatVector.fromArray(FLOATS, partials, first + LANES);
      FloatVector c = FloatVector.fromArray(FLOATS, partials, first + 2 * LANES);
      FloatVector d = FloatVector.fromArray(FLOATS, partials, first + 3 * LANES);
      foldFour(a, b, c, d).intoArray(out, outIndex + row * outStride);
    }
  }

  /** Sums of four vectors in lanes 0 to 3. */
  private static FloatVector foldFour(FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
    FloatVector ac = a.blend(c, UPPER_HALVES).add(c.blend(a, UPPER_HALVES).rearrange(SWAP_HALVES));
    FloatVector bd = b.blend(d, UPPER_HALVES).add(d.blend(b, UPPER_HALVES).rearrange(SWAP_HALVES));
    FloatVector sums =
        ac.blend(bd, UPPER_QUARTERS).add(bd.blend(ac, UPPER_QUARTERS).rearrange(SWAP_QUARTERS));
    if (LANES >= 16) {
      sums = sums.add(sums.rearrange(SWAP_TWO));
    }
    if (LANES >= 8) {
      sums = sums.add(sums.rearrange(SWAP_ONE));
    }
    return LANES == 4 ? sums : sums.rearrange(FIRST_OF_QUARTERS);
  }

  private static void addTails(
      float[] q,
      int qIndex,
      float[] keys,
      int keysIndex,
      int dim,
      int vectorDim,
      int count,
      float[] out,
      int outIndex) {
    for (int i = 0; i < count; i++) {
      float sum = out[outIndex + i];
      for (int d = vectorDim; d < dim; d++) {
        sum = Math.fma(q[qIndex + d], keys[keysIndex + i * dim + d], sum);
      }
      out[outIndex + i] = sum;
    }
  }

  /**
   * {@code out = out * factor + sum of weight * value} for four rows.
   *
   * @param weights row r, slot i at {@code weightsIndex + r * weightsStride + i}
   * @param factors of the rows, at {@code factorsIndex + r}
   * @param out rows of {@code dim} elements, one behind the other
   */
  static void accumulateFour(
      float[] weights,
      int weightsIndex,
      int weightsStride,
      float[] factors,
      int factorsIndex,
      float[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] out,
      int outIndex) {
    int d = 0;
    int w1 = weightsIndex + weightsStride;
    int w2 = w1 + weightsStride;
    int w3 = w2 + weightsStride;
    int o1 = outIndex + dim;
    int o2 = o1 + dim;
    int o3 = o2 + dim;
    float f0 = factors[factorsIndex];
    float f1 = factors[factorsIndex + 1];
    float f2 = factors[factorsIndex + 2];
    float f3 = factors[factorsIndex + 3];
    for (; d <= dim - 4 * LANES; d += 4 * LANES) {
      FloatVector a00 = FloatVector.fromArray(FLOATS, out, outIndex + d).mul(f0);
      FloatVector a01 = FloatVector.fromArray(FLOATS, out, outIndex + d + LANES).mul(f0);
      FloatVector a02 = FloatVector.fromArray(FLOATS, out, outIndex + d + 2 * LANES).mul(f0);
      FloatVector a03 = FloatVector.fromArray(FLOATS, out, outIndex + d + 3 * LANES).mul(f0);
      FloatVector a10 = FloatVector.fromArray(FLOATS, out, o1 + d).mul(f1);
      FloatVector a11 = FloatVector.fromArray(FLOATS, out, o1 + d + LANES).mul(f1);
      FloatVector a12 = FloatVector.fromArray(FLOATS, out, o1 + d + 2 * LANES).mul(f1);
      FloatVector a13 = FloatVector.fromArray(FLOATS, out, o1 + d + 3 * LANES).mul(f1);
      FloatVector a20 = FloatVector.fromArray(FLOATS, out, o2 + d).mul(f2);
      FloatVector a21 = FloatVector.fromArray(FLOATS, out, o2 + d + LANES).mul(f2);
      FloatVector a22 = FloatVector.fromArray(FLOATS, out, o2 + d + 2 * LANES).mul(f2);
      FloatVector a23 = FloatVector.fromArray(FLOATS, out, o2 + d + 3 * LANES).mul(f2);
      FloatVector a30 = FloatVector.fromArray(FLOATS, out, o3 + d).mul(f3);
      FloatVector a31 = FloatVector.fromArray(FLOATS, out, o3 + d + LANES).mul(f3);
      FloatVector a32 = FloatVector.fromArray(FLOATS, out, o3 + d + 2 * LANES).mul(f3);
      FloatVector a33 = FloatVector.fromArray(FLOATS, out, o3 + d + 3 * LANES).mul(f3);
      for (int i = 0; i < count; i++) {
        int v = valuesIndex + i * dim + d;
        FloatVector x0 = FloatVector.fromArray(FLOATS, values, v);
        FloatVector x1 = FloatVector.fromArray(FLOATS, values, v + LANES);
        FloatVector x2 = FloatVector.fromArray(FLOATS, values, v + 2 * LANES);
        FloatVector x3 = FloatVector.fromArray(FLOATS, values, v + 3 * LANES);
        FloatVector w = FloatVector.broadcast(FLOATS, weights[weightsIndex + i]);
        a00 = w.fma(x0, a00);
        a01 = w.fma(x1, a01);
        a02 = w.fma(x2, a02);
        a03 = w.fma(x3, a03);
        w = FloatVector.broadcast(FLOATS, weights[w1 + i]);
        a10 = w.fma(x0, a10);
        a11 = w.fma(x1, a11);
        a12 = w.fma(x2, a12);
        a13 = w.fma(x3, a13);
        w = FloatVector.broadcast(FLOATS, weights[w2 + i]);
        a20 = w.fma(x0, a20);
        a21 = w.fma(x1, a21);
        a22 = w.fma(x2, a22);
        a23 = w.fma(x3, a23);
        w = FloatVector.broadcast(FLOATS, weights[w3 + i]);
        a30 = w.fma(x0, a30);
        a31 = w.fma(x1, a31);
        a32 = w.fma(x2, a32);
        a33 = w.fma(x3, a33);
      }
      a00.intoArray(out, outIndex + d);
      a01.intoArray(out, outIndex + d + LANES);
      a02.intoArray(out, outIndex + d + 2 * LANES);
      a03.intoArray(out, outIndex + d + 3 * LANES);
      a10.intoArray(out, o1 + d);
      a11.intoArray(out, o1 + d + LANES);
      a12.intoArray(out, o1 + d + 2 * LANES);
      a13.intoArray(out, o1 + d + 3 * LANES);
      a20.intoArray(out, o2 + d);
      a21.intoArray(out, o2 + d + LANES);
      a22.intoArray(out, o2 + d + 2 * LANES);
      a23.intoArray(out, o2 + d + 3 * LANES);
      a30.intoArray(out, o3 + d);
      a31.intoArray(out, o3 + d + LANES);
      a32.intoArray(out, o3 + d + 2 * LANES);
      a33.intoArray(out, o3 + d + 3 * LANES);
    }
    for (; d <= dim - LANES; d += LANES) {
      FloatVector a0 = FloatVector.fromArray(FLOATS, out, outIndex + d).mul(f0);
      FloatVector a1 = FloatVector.fromArray(FLOATS, out, o1 + d).mul(f1);
      FloatVector a2 = FloatVector.fromArray(FLOATS, out, o2 + d).mul(f2);
      FloatVector a3 = FloatVector.fromArray(FLOATS, out, o3 + d).mul(f3);
      for (int i = 0; i < count; i++) {
        FloatVector x = FloatVector.fromArray(FLOATS, values, valuesIndex + i * dim + d);
        a0 = x.fma(FloatVector.broadcast(FLOATS, weights[weightsIndex + i]), a0);
        a1 = x.fma(FloatVector.broadcast(FLOATS, weights[w1 + i]), a1);
        a2 = x.fma(FloatVector.broadcast(FLOATS, weights[w2 + i]), a2);
        a3 = x.fma(FloatVector.broadcast(FLOATS, weights[w3 + i]), a3);
      }
      a0.intoArray(out, outIndex + d);
      a1.intoArray(out, o1 + d);
      a2.intoArray(out, o2 + d);
      a3.intoArray(out, o3 + d);
    }
    for (int row = 0; d < dim && row < ROWS; row++) {
      accumulateTail(
          weights,
          weightsIndex + row * weightsStride,
          factors[factorsIndex + row],
          values,
          valuesIndex,
          dim,
          d,
          count,
          out,
          outIndex + row * dim);
    }
  }

  /** {@code out = out * factor + sum of weight * value} for one row. */
  static void accumulateOne(
      float[] weights,
      int weightsIndex,
      float factor,
      float[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] out,
      int outIndex) {
    int d = 0;
    for (; d <= dim - 4 * LANES; d += 4 * LANES) {
      FloatVector a0 = FloatVector.fromArray(FLOATS, out, outIndex + d).mul(factor);
      FloatVector a1 = FloatVector.fromArray(FLOATS, out, outIndex + d + LANES).mul(factor);
      FloatVector a2 = FloatVector.fromArray(FLOATS, out, outIndex + d + 2 * LANES).mul(factor);
      FloatVector a3 = FloatVector.fromArray(FLOATS, out, outIndex + d + 3 * LANES).mul(factor);
      for (int i = 0; i < count; i++) {
        int v = valuesIndex + i * dim + d;
        FloatVector w = FloatVector.broadcast(FLOATS, weights[weightsIndex + i]);
        a0 = w.fma(FloatVector.fromArray(FLOATS, values, v), a0);
        a1 = w.fma(FloatVector.fromArray(FLOATS, values, v + LANES), a1);
        a2 = w.fma(FloatVector.fromArray(FLOATS, values, v + 2 * LANES), a2);
        a3 = w.fma(FloatVector.fromArray(FLOATS, values, v + 3 * LANES), a3);
      }
      a0.intoArray(out, outIndex + d);
      a1.intoArray(out, outIndex + d + LANES);
      a2.intoArray(out, outIndex + d + 2 * LANES);
      a3.intoArray(out, outIndex + d + 3 * LANES);
    }
    for (; d <= dim - LANES; d += LANES) {
      FloatVector a = FloatVector.fromArray(FLOATS, out, outIndex + d).mul(factor);
      for (int i = 0; i < count; i++) {
        FloatVector x = FloatVector.fromArray(FLOATS, values, valuesIndex + i * dim + d);
        a = x.fma(FloatVector.broadcast(FLOATS, weights[weightsIndex + i]), a);
      }
      a.intoArray(out, outIndex + d);
    }
    if (d < dim) {
      accumulateTail(
          weights, weightsIndex, factor, values, valuesIndex, dim, d, count, out, outIndex);
    }
  }

  private static void accumulateTail(
      float[] weights,
      int weightsIndex,
      float factor,
      float[] values,
      int valuesIndex,
      int dim,
      int firstDim,
      int count,
      float[] out,
      int outIndex) {
    for (int d = firstDim; d < dim; d++) {
      float sum = out[outIndex + d] * factor;
      for (int i = 0; i < count; i++) {
        sum = Math.fma(weights[weightsIndex + i], values[valuesIndex + i * dim + d], sum);
      }
      out[outIndex + d] = sum;
    }
  }
}
