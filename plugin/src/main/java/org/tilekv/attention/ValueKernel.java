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
 * The weighted sum of V over a range of slots, for four query rows that share each load, or for
 * one. An element of the sum is one chain of fused multiply-adds over the slots in their order, in
 * every form. See {@link ScoreKernel} for why the methods are small.
 */
final class ValueKernel {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  /** Query rows of the wide form. */
  static final int ROWS = 4;

  private ValueKernel() {}

  /** Multiplies {@code count} elements, in place. */
  static void scale(float[] sums, int index, int count, float factor) {
    for (int i = index; i < index + count; i++) {
      sums[i] *= factor;
    }
  }

  /**
   * Adds the weighted values of {@code count} slots to the sums of four rows.
   *
   * @param weights row r, slot i at {@code weightsIndex + r * weightsStride + i}
   * @param sums rows of {@code dim} elements, one behind the other
   */
  static void four(
      float[] weights,
      int weightsIndex,
      int weightsStride,
      float[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] sums,
      int sumsIndex) {
    int d = 0;
    for (; d <= dim - 2 * LANES; d += 2 * LANES) {
      fourByTwo(
          weights,
          weightsIndex,
          weightsStride,
          values,
          valuesIndex + d,
          dim,
          count,
          sums,
          sumsIndex + d);
    }
    for (int row = 0; d < dim && row < ROWS; row++) {
      oneFrom(
          d,
          weights,
          weightsIndex + row * weightsStride,
          values,
          valuesIndex,
          dim,
          count,
          sums,
          sumsIndex + row * dim);
    }
  }

  private static void fourByTwo(
      float[] weights,
      int w0,
      int weightsStride,
      float[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] sums,
      int s0) {
    int w1 = w0 + weightsStride;
    int w2 = w1 + weightsStride;
    int w3 = w2 + weightsStride;
    int s1 = s0 + dim;
    int s2 = s1 + dim;
    int s3 = s2 + dim;
    FloatVector a0 = FloatVector.fromArray(FLOATS, sums, s0);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sums, s0 + LANES);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sums, s1);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sums, s1 + LANES);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sums, s2);
    FloatVector b2 = FloatVector.fromArray(FLOATS, sums, s2 + LANES);
    FloatVector a3 = FloatVector.fromArray(FLOATS, sums, s3);
    FloatVector b3 = FloatVector.fromArray(FLOATS, sums, s3 + LANES);
    for (int i = 0; i < count; i++) {
      int v = valuesIndex + i * dim;
      FloatVector x = FloatVector.fromArray(FLOATS, values, v);
      FloatVector y = FloatVector.fromArray(FLOATS, values, v + LANES);
      FloatVector weight = FloatVector.broadcast(FLOATS, weights[w0 + i]);
      a0 = weight.fma(x, a0);
      b0 = weight.fma(y, b0);
      weight = FloatVector.broadcast(FLOATS, weights[w1 + i]);
      a1 = weight.fma(x, a1);
      b1 = weight.fma(y, b1);
      weight = FloatVector.broadcast(FLOATS, weights[w2 + i]);
      a2 = weight.fma(x, a2);
      b2 = weight.fma(y, b2);
      weight = FloatVector.broadcast(FLOATS, weights[w3 + i]);
      a3 = weight.fma(x, a3);
      b3 = weight.fma(y, b3);
    }
    a0.intoArray(sums, s0);
    b0.intoArray(sums, s0 + LANES);
    a1.intoArray(sums, s1);
    b1.intoArray(sums, s1 + LANES);
    a2.intoArray(sums, s2);
    b2.intoArray(sums, s2 + LANES);
    a3.intoArray(sums, s3);
    b3.intoArray(sums, s3 + LANES);
  }

  /** Adds the weighted values of {@code count} slots to the sums of one row. */
  static void one(
      float[] weights,
      int weightsIndex,
      float[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] sums,
      int sumsIndex) {
    int d = 0;
    for (; d <= dim - 4 * LANES; d += 4 * LANES) {
      oneByFour(weights, weightsIndex, values, valuesIndex + d, dim, count, sums, sumsIndex + d);
    }
    oneFrom(d, weights, weightsIndex, values, valuesIndex, dim, count, sums, sumsIndex);
  }

  private static void oneByFour(
      float[] weights,
      int weightsIndex,
      float[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] sums,
      int sumsIndex) {
    FloatVector a = FloatVector.fromArray(FLOATS, sums, sumsIndex);
    FloatVector b = FloatVector.fromArray(FLOATS, sums, sumsIndex + LANES);
    FloatVector c = FloatVector.fromArray(FLOATS, sums, sumsIndex + 2 * LANES);
    FloatVector d = FloatVector.fromArray(FLOATS, sums, sumsIndex + 3 * LANES);
    for (int i = 0; i < count; i++) {
      int v = valuesIndex + i * dim;
      FloatVector weight = FloatVector.broadcast(FLOATS, weights[weightsIndex + i]);
      a = weight.fma(FloatVector.fromArray(FLOATS, values, v), a);
      b = weight.fma(FloatVector.fromArray(FLOATS, values, v + LANES), b);
      c = weight.fma(FloatVector.fromArray(FLOATS, values, v + 2 * LANES), c);
      d = weight.fma(FloatVector.fromArray(FLOATS, values, v + 3 * LANES), d);
    }
    a.intoArray(sums, sumsIndex);
    b.intoArray(sums, sumsIndex + LANES);
    c.intoArray(sums, sumsIndex + 2 * LANES);
    d.intoArray(sums, sumsIndex + 3 * LANES);
  }

  /** The elements from {@code firstDim} on, vector by vector, then one by one. */
  private static void oneFrom(
      int firstDim,
      float[] weights,
      int weightsIndex,
      float[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] sums,
      int sumsIndex) {
    int d = firstDim;
    for (; d <= dim - LANES; d += LANES) {
      FloatVector a = FloatVector.fromArray(FLOATS, sums, sumsIndex + d);
      for (int i = 0; i < count; i++) {
        FloatVector x = FloatVector.fromArray(FLOATS, values, valuesIndex + i * dim + d);
        a = x.fma(FloatVector.broadcast(FLOATS, weights[weightsIndex + i]), a);
      }
      a.intoArray(sums, sumsIndex + d);
    }
    for (; d < dim; d++) {
      float sum = sums[sumsIndex + d];
      for (int i = 0; i < count; i++) {
        sum = Math.fma(weights[weightsIndex + i], values[valuesIndex + i * dim + d], sum);
      }
      sums[sumsIndex + d] = sum;
    }
  }
}
