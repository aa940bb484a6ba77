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

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Panel products on the Vector API over bfloat16 weights: an int holds columns j (low half) and j +
 * LANES (high half), so that one load and two cheap operations give two vectors of float32.
 *
 * <p>Every output element is one chain of fused multiply-adds over the depth in rising order, in
 * every method here, so that the bits do not depend on how many rows are multiplied together.
 */
final class VectorBf16Kernel implements PanelKernel {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final int HIGH = 0xFFFF0000;

  @Override
  public int lanes() {
    return LANES;
  }

  @Override
  public void panel(
      Object panel, int depth, float[] x, int at, int xs, int rows, float[] y, int to, int ys) {
    int[] w = (int[]) panel;
    int r = 0;
    for (; r + 8 <= rows; r += 8) {
      rows8(w, depth, x, at + r * xs, xs, y, to + r * ys, ys);
    }
    if (r + 4 <= rows) {
      rows4(w, depth, x, at + r * xs, xs, y, to + r * ys, ys);
      r += 4;
    }
    if (r + 2 <= rows) {
      rows2(w, depth, x, at + r * xs, xs, y, to + r * ys, ys);
      r += 2;
    }
    if (r < rows) {
      rows1(w, depth, x, at + r * xs, xs, y, to + r * ys, ys);
    }
  }

  /** One row through four panels: four streams of weights keep the memory busy. */
  @Override
  public void rowThroughFour(
      Object[] panels, int first, int depth, float[] x, int at, float[] y, int to) {
    int[] w0 = (int[]) panels[first + 0];
    int[] w1 = (int[]) panels[first + 1];
    int[] w2 = (int[]) panels[first + 2];
    int[] w3 = (int[]) panels[first + 3];
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    FloatVector a2 = FloatVector.zero(FLOATS);
    FloatVector b2 = FloatVector.zero(FLOATS);
    FloatVector a3 = FloatVector.zero(FLOATS);
    FloatVector b3 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      FloatVector v = FloatVector.broadcast(FLOATS, x[at + k]);
      IntVector p0 = IntVector.fromArray(INTS, w0, k * LANES);
      a0 = v.fma(p0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a0);
      b0 = v.fma(p0.and(HIGH).reinterpretAsFloats(), b0);
      IntVector p1 = IntVector.fromArray(INTS, w1, k * LANES);
      a1 = v.fma(p1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a1);
      b1 = v.fma(p1.and(HIGH).reinterpretAsFloats(), b1);
      IntVector p2 = IntVector.fromArray(INTS, w2, k * LANES);
      a2 = v.fma(p2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a2);
      b2 = v.fma(p2.and(HIGH).reinterpretAsFloats(), b2);
      IntVector p3 = IntVector.fromArray(INTS, w3, k * LANES);
      a3 = v.fma(p3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a3);
      b3 = v.fma(p3.and(HIGH).reinterpretAsFloats(), b3);
    }
    a0.intoArray(y, to + 0 * LANES);
    b0.intoArray(y, to + 1 * LANES);
    a1.intoArray(y, to + 2 * LANES);
    b1.intoArray(y, to + 3 * LANES);
    a2.intoArray(y, to + 4 * LANES);
    b2.intoArray(y, to + 5 * LANES);
    a3.intoArray(y, to + 6 * LANES);
    b3.intoArray(y, to + 7 * LANES);
  }

  private static void rows1(
      int[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      IntVector pair = IntVector.fromArray(INTS, w, k * LANES);
      FloatVector low = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector high = pair.and(HIGH).reinterpretAsFloats();
      FloatVector x0 = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = x0.fma(low, a0);
      b0 = x0.fma(high, b0);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
  }

  private static void rows2(
      int[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      IntVector pair = IntVector.fromArray(INTS, w, k * LANES);
      FloatVector low = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector high = pair.and(HIGH).reinterpretAsFloats();
      FloatVector x0 = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = x0.fma(low, a0);
      b0 = x0.fma(high, b0);
      FloatVector x1 = FloatVector.broadcast(FLOATS, x[at + xs + k]);
      a1 = x1.fma(low, a1);
      b1 = x1.fma(high, b1);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
    a1.intoArray(y, to + ys);
    b1.intoArray(y, to + ys + LANES);
  }

  private static void rows4(
      int[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    FloatVector a2 = FloatVector.zero(FLOATS);
    FloatVector b2 = FloatVector.zero(FLOATS);
    FloatVector a3 = FloatVector.zero(FLOATS);
    FloatVector b3 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      IntVector pair = IntVector.fromArray(INTS, w, k * LANES);
      FloatVector low = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector high = pair.and(HIGH).reinterpretAsFloats();
      FloatVector x0 = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = x0.fma(low, a0);
      b0 = x0.fma(high, b0);
      FloatVector x1 = FloatVector.broadcast(FLOATS, x[at + xs + k]);
      a1 = x1.fma(low, a1);
      b1 = x1.fma(high, b1);
      FloatVector x2 = FloatVector.broadcast(FLOATS, x[at + 2 * xs + k]);
      a2 = x2.fma(low, a2);
      b2 = x2.fma(high, b2);
      FloatVector x3 = FloatVector.broadcast(FLOATS, x[at + 3 * xs + k]);
      a3 = x3.fma(low, a3);
      b3 = x3.fma(high, b3);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
    a1.intoArray(y, to + ys);
    b1.intoArray(y, to + ys + LANES);
    a2.intoArray(y, to + 2 * ys);
    b2.intoArray(y, to + 2 * ys + LANES);
    a3.intoArray(y, to + 3 * ys);
    b3.intoArray(y, to + 3 * ys + LANES);
  }

  private static void rows8(
      int[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    FloatVector a2 = FloatVector.zero(FLOATS);
    FloatVector b2 = FloatVector.zero(FLOATS);
    FloatVector a3 = FloatVector.zero(FLOATS);
    FloatVector b3 = FloatVector.zero(FLOATS);
    FloatVector a4 = FloatVector.zero(FLOATS);
    FloatVector b4 = FloatVector.zero(FLOATS);
    FloatVector a5 = FloatVector.zero(FLOATS);
    FloatVector b5 = FloatVector.zero(FLOATS);
    FloatVector a6 = FloatVector.zero(FLOATS);
    FloatVector b6 = FloatVector.zero(FLOATS);
    FloatVector a7 = FloatVector.zero(FLOATS);
    FloatVector b7 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      IntVector pair = IntVector.fromArray(INTS, w, k * LANES);
      FloatVector low = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector high = pair.and(HIGH).reinterpretAsFloats();
      FloatVector x0 = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = x0.fma(low, a0);
      b0 = x0.fma(high, b0);
      FloatVector x1 = FloatVector.broadcast(FLOATS, x[at + xs + k]);
      a1 = x1.fma(low, a1);
      b1 = x1.fma(high, b1);
      FloatVector x2 = FloatVector.broadcast(FLOATS, x[at + 2 * xs + k]);
      a2 = x2.fma(low, a2);
      b2 = x2.fma(high, b2);
      FloatVector x3 = FloatVector.broadcast(FLOATS, x[at + 3 * xs + k]);
      a3 = x3.fma(low, a3);
      b3 = x3.fma(high, b3);
      FloatVector x4 = FloatVector.broadcast(FLOATS, x[at + 4 * xs + k]);
      a4 = x4.fma(low, a4);
      b4 = x4.fma(high, b4);
      FloatVector x5 = FloatVector.broadcast(FLOATS, x[at + 5 * xs + k]);
      a5 = x5.fma(low, a5);
      b5 = x5.fma(high, b5);
      FloatVector x6 = FloatVector.broadcast(FLOATS, x[at + 6 * xs + k]);
      a6 = x6.fma(low, a6);
      b6 = x6.fma(high, b6);
      FloatVector x7 = FloatVector.broadcast(FLOATS, x[at + 7 * xs + k]);
      a7 = x7.fma(low, a7);
      b7 = x7.fma(high, b7);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
    a1.intoArray(y, to + ys);
    b1.intoArray(y, to + ys + LANES);
    a2.intoArray(y, to + 2 * ys);
    b2.intoArray(y, to + 2 * ys + LANES);
    a3.intoArray(y, to + 3 * ys);
    b3.intoArray(y, to + 3 * ys + LANES);
    a4.intoArray(y, to + 4 * ys);
    b4.intoArray(y, to + 4 * ys + LANES);
    a5.intoArray(y, to + 5 * ys);
    b5.intoArray(y, to + 5 * ys + LANES);
    a6.intoArray(y, to + 6 * ys);
    b6.intoArray(y, to + 6 * ys + LANES);
    a7.intoArray(y, to + 7 * ys);
    b7.intoArray(y, to + 7 * ys + LANES);
  }
}
