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
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ScoreKernel#four} and {@link ValueKernel#four} over bfloat16 where it lies, widened in
 * registers: for decode, where a tile is used once. The same arithmetic in the same order, so that
 * the bits are those of the float32 kernels over widened tiles.
 *
 * <p>Four rows are taken two by two, which keeps the methods small enough to be compiled whole; the
 * second pass finds the slots in the first-level cache.
 */
final class Bf16Kernel {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
  private static final int LANES = FLOATS.length();

  private Bf16Kernel() {}

  /** Whether heads of so many elements can be taken. */
  static boolean takes(int dim) {
    return dim % (2 * LANES) == 0;
  }

  private static FloatVector widen(short[] from, int index) {
    return ((IntVector)
            ShortVector.fromArray(SHORTS, from, index).convertShape(VectorOperators.S2I, INTS, 0))
        .lanewise(VectorOperators.LSHL, 16)
        .reinterpretAsFloats();
  }

  /** See {@link ScoreKernel#four}. */
  static void scoresOfFour(
      float[] q, int qIndex, short[] keys, int keysIndex, int dim, int count, float[] partials) {
    scoresOfTwo(q, qIndex, keys, keysIndex, dim, count, partials, 0);
    scoresOfTwo(q, qIndex + 2 * dim, keys, keysIndex, dim, count, partials, 8 * LANES);
  }

  private static void scoresOfTwo(
      float[] q,
      int q0,
      short[] keys,
      int keysIndex,
      int dim,
      int count,
      float[] partials,
      int partialsIndex) {
    int q1 = q0 + dim;
    int last = count - 1;
    for (int i = 0; i < count; i += 4) {
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
      for (int d = 0; d < dim; d += LANES) {
        FloatVector y0 = FloatVector.fromArray(FLOATS, q, q0 + d);
        FloatVector y1 = FloatVector.fromArray(FLOATS, q, q1 + d);
        FloatVector x = widen(keys, k0 + d);
        s00 = y0.fma(x, s00);
        s10 = y1.fma(x, s10);
        x = widen(keys, k1 + d);
        s01 = y0.fma(x, s01);
        s11 = y1.fma(x, s11);
        x = widen(keys, k2 + d);
        s02 = y0.fma(x, s02);
        s12 = y1.fma(x, s12);
        x = widen(keys, k3 + d);
        s03 = y0.fma(x, s03);
        s13 = y1.fma(x, s13);
      }
      int p = partialsIndex + i * ScoreKernel.ROWS * LANES;
      s00.intoArray(partials, p);
      s01.intoArray(partials, p + LANES);
      s02.intoArray(partials, p + 2 * LANES);
      s03.intoArray(partials, p + 3 * LANES);
      s10.intoArray(partials, p + 4 * LANES);
      s11.intoArray(partials, p + 5 * LANES);
      s12.intoArray(partials, p + 6 * LANES);
      s13.intoArray(partials, p + 7 * LANES);
    }
  }

  /** See {@link ValueKernel#four}. */
  static void valuesOfFour(
      float[] weights,
      int weightsIndex,
      int weightsStride,
      short[] values,
      int valuesIndex,
      int dim,
      int count,
      float[] sums,
      int sumsIndex) {
    for (int d = 0; d < dim; d += 2 * LANES) {
      valuesOfFourByTwo(
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
  }

  private static void valuesOfFourByTwo(
      float[] weights,
      int w0,
      int weightsStride,
      short[] values,
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
      FloatVector x = widen(values, v);
      FloatVector y = widen(values, v + LANES);
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
}
