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
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums of the lanes of the vectors that {@link ScoreKernel} leaves, in an order that is fixed: lane
 * i with lane i + L/2, then with i + L/4, and so on; then the elements of the head that fill no
 * vector, one after the other. ({@code reduceLanes} leaves its order open, and the interpreter's
 * differs from the compiler's.)
 *
 * <p>Four vectors are folded together: after two steps one vector holds a quarter of each.
 */
final class ScoreFold {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  private static final VectorShuffle<Float> SWAP_HALVES = swap(LANES / 2);
  private static final VectorShuffle<Float> SWAP_QUARTERS = swap(LANES / 4);
  private static final VectorShuffle<Float> SWAP_TWO = swap(2 % LANES);
  private static final VectorShuffle<Float> SWAP_ONE = swap(1);
  private static final int[] UPPER_HALVES = having(LANES / 2);
  private static final int[] UPPER_QUARTERS = having(LANES / 4);
  private static final VectorShuffle<Float> FIRST_OF_QUARTERS =
      VectorShuffle.fromOp(FLOATS, i -> i % 4 * (LANES / 4));

  private ScoreFold() {}

  private static VectorShuffle<Float> swap(int distance) {
    return VectorShuffle.fromOp(FLOATS, i -> i ^ distance);
  }

  /** All ones in the lanes whose number has a bit. */
  private static int[] having(int bit) {
    int[] lanes = new int[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = (i & bit) != 0 ? -1 : 0;
    }
    return lanes;
  }

  /**
   * Folds the partial vectors of one row to {@code count} sums, four at a time, in a method of its
   * own: inlined behind the loops above it would exceed what the compiler takes into one method,
   * and vectors would be boxed.
   *
   * @param out up to {@code 4 + LANES} elements behind the last are overwritten
   * @param step from four partial vectors to the next four
   */
  static void fold(float[] partials, int index, int step, float[] out, int outIndex, int count) {
    IntVector upperHalves = IntVector.fromArray(INTS, UPPER_HALVES, 0);
    IntVector upperQuarters = IntVector.fromArray(INTS, UPPER_QUARTERS, 0);
    int from = index;
    for (int i = 0; i < count; i += 4) {
      FloatVector a = FloatVector.fromArray(FLOATS, partials, from);
      FloatVector b = FloatVector.fromArray(FLOATS, partials, from + LANES);
      FloatVector c = FloatVector.fromArray(FLOATS, partials, from + 2 * LANES);
      FloatVector d = FloatVector.fromArray(FLOATS, partials, from + 3 * LANES);
      FloatVector ac =
          select(a, c, upperHalves).add(select(c, a, upperHalves).rearrange(SWAP_HALVES));
      FloatVector bd =
          select(b, d, upperHalves).add(select(d, b, upperHalves).rearrange(SWAP_HALVES));
      FloatVector sums =
          select(ac, bd, upperQuarters).add(select(bd, ac, upperQuarters).rearrange(SWAP_QUARTERS));
      if (LANES >= 16) {
        sums = sums.add(sums.rearrange(SWAP_TWO));
      }
      if (LANES >= 8) {
        sums = sums.add(sums.rearrange(SWAP_ONE));
        sums = sums.rearrange(FIRST_OF_QUARTERS);
      }
      sums.intoArray(out, outIndex + i);
      from += step;
    }
  }

  /** Lanes of b where the mask is set, of a elsewhere; on JDK 17 cheaper than a blend. */
  private static FloatVector select(FloatVector a, FloatVector b, IntVector mask) {
    IntVector bits = a.reinterpretAsInts();
    IntVector changed = bits.lanewise(VectorOperators.XOR, b.reinterpretAsInts()).and(mask);
    return bits.lanewise(VectorOperators.XOR, changed).reinterpretAsFloats();
  }

  /** Adds the products of the elements from {@code firstDim} on to the scores of one row. */
  static void addTails(
      float[] q,
      int qIndex,
      float[] keys,
      int keysIndex,
      int dim,
      int firstDim,
      int count,
      float[] out,
      int outIndex) {
    for (int i = 0; i < count; i++) {
      float sum = out[outIndex + i];
      for (int d = firstDim; d < dim; d++) {
        sum = Math.fma(q[qIndex + d], keys[keysIndex + i * dim + d], sum);
      }
      out[outIndex + i] = sum;
    }
  }
}
