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
 * <p>Four rows by four vectors fill 16 registers with sums, which leaves room for the weights of a
 * depth step and a broadcast; wider blocks were slower (see docs/decisions/matrix-products.md).
 */
final class VectorBf16Kernel implements PanelKernel {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final int HIGH = 0xFFFF0000;
  // With 16 registers the sums of four rows would not stay in them.
  private static final boolean FOUR_ROWS = LANES >= 16;

  @Override
  public int lanes() {
    return LANES;
  }

  @Override
  public void accumulate(
      Object[] panels,
      int first,
      int from,
      int end,
      float[] x,
      int at,
      int xs,
      int rows,
      float[] y,
      int to,
      int ys) {
    int[] w = (int[]) panels[first];
    int[] u = (int[]) panels[first + 1];
    int r = 0;
    for (; FOUR_ROWS && r + 4 <= rows; r += 4) {
      rows4(w, u, from, end, x, at + r * xs, xs, y, to + r * ys, ys);
    }
    for (; r + 2 <= rows; r += 2) {
      rows2(w, u, from, end, x, at + r * xs, xs, y, to + r * ys, ys);
    }
    if (r < rows) {
      rows1(w, u, from, end, x, at + r * xs, y, to + r * ys);
    }
  }

  /** One row through four panels: four streams of weights keep the memory busy. */
  @Override
  public void rowThroughFour(
      Object[] panels, int first, int depth, float[] x, int at, float[] y, int to) {
    int[] w0 = (int[]) panels[first];
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
      IntVector p = IntVector.fromArray(INTS, w0, k * LANES);
      a0 = v.fma(p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a0);
      b0 = v.fma(p.and(HIGH).reinterpretAsFloats(), b0);
      p = IntVector.fromArray(INTS, w1, k * LANES);
      a1 = v.fma(p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a1);
      b1 = v.fma(p.and(HIGH).reinterpretAsFloats(), b1);
      p = IntVector.fromArray(INTS, w2, k * LANES);
      a2 = v.fma(p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a2);
      b2 = v.fma(p.and(HIGH).reinterpretAsFloats(), b2);
      p = IntVector.fromArray(INTS, w3, k * LANES);
      a3 = v.fma(p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), a3);
      b3 = v.fma(p.and(HIGH).reinterpretAsFloats(), b3);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
    a1.intoArray(y, to + 2 * LANES);
    b1.intoArray(y, to + 3 * LANES);
    a2.intoArray(y, to + 4 * LANES);
    b2.intoArray(y, to + 5 * LANES);
    a3.intoArray(y, to + 6 * LANES);
    b3.intoArray(y, to + 7 * LANES);
  }

  private static void rows1(
      int[] w, int[] u, int from, int end, float[] x, int at, float[] y, int to) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, y, to);
    FloatVector b0 = FloatVector.fromArray(FLOATS, y, to + LANES);
    FloatVector c0 = FloatVector.fromArray(FLOATS, y, to + 2 * LANES);
    FloatVector d0 = FloatVector.fromArray(FLOATS, y, to + 3 * LANES);
    for (int k = from; k < end; k++) {
      IntVector p = IntVector.fromArray(INTS, w, k * LANES);
      FloatVector w0 = p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector w1 = p.and(HIGH).reinterpretAsFloats();
      p = IntVector.fromArray(INTS, u, k * LANES);
      FloatVector w2 = p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector w3 = p.and(HIGH).reinterpretAsFloats();
      FloatVector v = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = v.fma(w0, a0);
      b0 = v.fma(w1, b0);
      c0 = v.fma(w2, c0);
      d0 = v.fma(w3, d0);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
    c0.intoArray(y, to + 2 * LANES);
    d0.intoArray(y, to + 3 * LANES);
  }

  private static void rows2(
      int[] w, int[] u, int from, int end, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, y, to);
    FloatVector b0 = FloatVector.fromArray(FLOATS, y, to + LANES);
    FloatVector c0 = FloatVector.fromArray(FLOATS, y, to + 2 * LANES);
    FloatVector d0 = FloatVector.fromArray(FLOATS, y, to + 3 * LANES);
    FloatVector a1 = FloatVector.fromArray(FLOATS, y, to + ys);
    FloatVector b1 = FloatVector.fromArray(FLOATS, y, to + ys + LANES);
    FloatVector c1 = FloatVector.fromArray(FLOATS, y, to + ys + 2 * LANES);
    FloatVector d1 = FloatVector.fromArray(FLOATS, y, to + ys + 3 * LANES);
    for (int k = from; k < end; k++) {
      IntVector p = IntVector.fromArray(INTS, w, k * LANES);
      FloatVector w0 = p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector w1 = p.and(HIGH).reinterpretAsFloats();
      p = IntVector.fromArray(INTS, u, k * LANES);
      FloatVector w2 = p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector w3 = p.and(HIGH).reinterpretAsFloats();
      FloatVector v = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = v.fma(w0, a0);
      b0 = v.fma(w1, b0);
      c0 = v.fma(w2, c0);
      d0 = v.fma(w3, d0);
      v = FloatVector.broadcast(FLOATS, x[at + xs + k]);
      a1 = v.fma(w0, a1);
      b1 = v.fma(w1, b1);
      c1 = v.fma(w2, c1);
      d1 = v.fma(w3, d1);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
    c0.intoArray(y, to + 2 * LANES);
    d0.intoArray(y, to + 3 * LANES);
    a1.intoArray(y, to + ys);
    b1.intoArray(y, to + ys + LANES);
    c1.intoArray(y, to + ys + 2 * LANES);
    d1.intoArray(y, to + ys + 3 * LANES);
  }

  private static void rows4(
      int[] w, int[] u, int from, int end, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.fromArray(FLOATS, y, to);
    FloatVector b0 = FloatVector.fromArray(FLOATS, y, to + LANES);
    FloatVector c0 = FloatVector.fromArray(FLOATS, y, to + 2 * LANES);
    FloatVector d0 = FloatVector.fromArray(FLOATS, y, to + 3 * LANES);
    FloatVector a1 = FloatVector.fromArray(FLOATS, y, to + ys);
    FloatVector b1 = FloatVector.fromArray(FLOATS, y, to + ys + LANES);
    FloatVector c1 = FloatVector.fromArray(FLOATS, y, to + ys + 2 * LANES);
    FloatVector d1 = FloatVector.fromArray(FLOATS, y, to + ys + 3 * LANES);
    FloatVector a2 = FloatVector.fromArray(FLOATS, y, to + 2 * ys);
    FloatVector b2 = FloatVector.fromArray(FLOATS, y, to + 2 * ys + LANES);
    FloatVector c2 = FloatVector.fromArray(FLOATS, y, to + 2 * ys + 2 * LANES);
    FloatVector d2 = FloatVector.fromArray(FLOATS, y, to + 2 * ys + 3 * LANES);
    FloatVector a3 = FloatVector.fromArray(FLOATS, y, to + 3 * ys);
    FloatVector b3 = FloatVector.fromArray(FLOATS, y, to + 3 * ys + LANES);
    FloatVector c3 = FloatVector.fromArray(FLOATS, y, to + 3 * ys + 2 * LANES);
    FloatVector d3 = FloatVector.fromArray(FLOATS, y, to + 3 * ys + 3 * LANES);
    for (int k = from; k < end; k++) {
      IntVector p = IntVector.fromArray(INTS, w, k * LANES);
      FloatVector w0 = p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector w1 = p.and(HIGH).reinterpretAsFloats();
      p = IntVector.fromArray(INTS, u, k * LANES);
      FloatVector w2 = p.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector w3 = p.and(HIGH).reinterpretAsFloats();
      FloatVector v = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = v.fma(w0, a0);
      b0 = v.fma(w1, b0);
      c0 = v.fma(w2, c0);
      d0 = v.fma(w3, d0);
      v = FloatVector.broadcast(FLOATS, x[at + xs + k]);
      a1 = v.fma(w0, a1);
      b1 = v.fma(w1, b1);
      c1 = v.fma(w2, c1);
      d1 = v.fma(w3, d1);
      v = FloatVector.broadcast(FLOATS, x[at + 2 * xs + k]);
      a2 = v.fma(w0, a2);
      b2 = v.fma(w1, b2);
      c2 = v.fma(w2, c2);
      d2 = v.fma(w3, d2);
      v = FloatVector.broadcast(FLOATS, x[at + 3 * xs + k]);
      a3 = v.fma(w0, a3);
      b3 = v.fma(w1, b3);
      c3 = v.fma(w2, c3);
      d3 = v.fma(w3, d3);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
    c0.intoArray(y, to + 2 * LANES);
    d0.intoArray(y, to + 3 * LANES);
    a1.intoArray(y, to + ys);
    b1.intoArray(y, to + ys + LANES);
    c1.intoArray(y, to + ys + 2 * LANES);
    d1.intoArray(y, to + ys + 3 * LANES);
    a2.intoArray(y, to + 2 * ys);
    b2.intoArray(y, to + 2 * ys + LANES);
    c2.intoArray(y, to + 2 * ys + 2 * LANES);
    d2.intoArray(y, to + 2 * ys + 3 * LANES);
    a3.intoArray(y, to + 3 * ys);
    b3.intoArray(y, to + 3 * ys + LANES);
    c3.intoArray(y, to + 3 * ys + 2 * LANES);
    d3.intoArray(y, to + 3 * ys + 3 * LANES);
  }
}
