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
import jdk.incubator.vector.VectorSpecies;

/**
 * Panel products on the Vector API over float32 weights: two vectors a depth step.
 *
 * <p>Every output element is one chain of fused multiply-adds over the depth in rising order, in
 * every method here, so that the bits do not depend on how many rows are multiplied together.
 */
final class VectorFp32Kernel implements PanelKernel {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  @Override
  public int lanes() {
    return LANES;
  }

  @Override
  public void panel(
      Object panel, int depth, float[] x, int at, int xs, int rows, float[] y, int to, int ys) {
    float[] w = (float[]) panel;
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
    float[] w0 = (float[]) panels[first + 0];
    float[] w1 = (float[]) panels[first + 1];
    float[] w2 = (float[]) panels[first + 2];
    float[] w3 = (float[]) panels[first + 3];
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
      a0 = v.fma(FloatVector.fromArray(FLOATS, w0, 2 * k * LANES), a0);
      b0 = v.fma(FloatVector.fromArray(FLOATS, w0, 2 * k * LANES + LANES), b0);
      a1 = v.fma(FloatVector.fromArray(FLOATS, w1, 2 * k * LANES), a1);
      b1 = v.fma(FloatVector.fromArray(FLOATS, w1, 2 * k * LANES + LANES), b1);
      a2 = v.fma(FloatVector.fromArray(FLOATS, w2, 2 * k * LANES), a2);
      b2 = v.fma(FloatVector.fromArray(FLOATS, w2, 2 * k * LANES + LANES), b2);
      a3 = v.fma(FloatVector.fromArray(FLOATS, w3, 2 * k * LANES), a3);
      b3 = v.fma(FloatVector.fromArray(FLOATS, w3, 2 * k * LANES + LANES), b3);
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
      float[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      FloatVector low = FloatVector.fromArray(FLOATS, w, 2 * k * LANES);
      FloatVector high = FloatVector.fromArray(FLOATS, w, 2 * k * LANES + LANES);
      FloatVector x0 = FloatVector.broadcast(FLOATS, x[at + k]);
      a0 = x0.fma(low, a0);
      b0 = x0.fma(high, b0);
    }
    a0.intoArray(y, to);
    b0.intoArray(y, to + LANES);
  }

  private static void rows2(
      float[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      FloatVector low = FloatVector.fromArray(FLOATS, w, 2 * k * LANES);
      FloatVector high = FloatVector.fromArray(FLOATS, w, 2 * k * LANES + LANES);
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
      float[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector b0 = FloatVector.zero(FLOATS);
    FloatVector a1 = FloatVector.zero(FLOATS);
    FloatVector b1 = FloatVector.zero(FLOATS);
    FloatVector a2 = FloatVector.zero(FLOATS);
    FloatVector b2 = FloatVector.zero(FLOATS);
    FloatVector a3 = FloatVector.zero(FLOATS);
    FloatVector b3 = FloatVector.zero(FLOATS);
    for (int k = 0; k < depth; k++) {
      FloatVector low = FloatVector.fromArray(FLOATS, w, 2 * k * LANES);
      FloatVector high = FloatVector.fromArray(FLOATS, w, 2 * k * LANES + LANES);
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
      float[] w, int depth, float[] x, int at, int xs, float[] y, int to, int ys) {
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
      FloatVector low = FloatVector.fromArray(FLOATS, w, 2 * k * LANES);
      FloatVector high = FloatVector.fromArray(FLOATS, w, 2 * k * LANES + LANES);
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
