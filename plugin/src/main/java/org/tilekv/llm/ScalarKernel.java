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

import java.util.Arrays;

/**
 * Panel products in plain Java, for any kind of weights; slow where the JIT does not know {@code
 * fma}.
 */
final class ScalarKernel implements PanelKernel {

  private static final int LANES = 8;
  private static final int HIGH = 0xFFFF0000;

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
    for (int r = 0; r < rows; r++) {
      add(panels[first], from, end, x, at + r * xs, y, to + r * ys);
      add(panels[first + 1], from, end, x, at + r * xs, y, to + r * ys + 2 * LANES);
    }
  }

  @Override
  public void rowThroughFour(
      Object[] panels, int first, int depth, float[] x, int at, float[] y, int to) {
    Arrays.fill(y, to, to + 8 * LANES, 0f);
    for (int p = 0; p < 4; p++) {
      add(panels[first + p], 0, depth, x, at, y, to + 2 * p * LANES);
    }
  }

  private static void add(Object panel, int from, int end, float[] x, int at, float[] y, int to) {
    if (panel instanceof int[] pairs) {
      bf16(pairs, from, end, x, at, y, to);
    } else {
      fp32((float[]) panel, from, end, x, at, y, to);
    }
  }

  private static void bf16(int[] w, int from, int end, float[] x, int at, float[] y, int to) {
    for (int lane = 0; lane < LANES; lane++) {
      float low = y[to + lane];
      float high = y[to + LANES + lane];
      for (int k = from; k < end; k++) {
        int pair = w[k * LANES + lane];
        low = Math.fma(x[at + k], Float.intBitsToFloat(pair << 16), low);
        high = Math.fma(x[at + k], Float.intBitsToFloat(pair & HIGH), high);
      }
      y[to + lane] = low;
      y[to + LANES + lane] = high;
    }
  }

  private static void fp32(float[] w, int from, int end, float[] x, int at, float[] y, int to) {
    for (int column = 0; column < 2 * LANES; column++) {
      float sum = y[to + column];
      for (int k = from; k < end; k++) {
        sum = Math.fma(x[at + k], w[2 * k * LANES + column], sum);
      }
      y[to + column] = sum;
    }
  }
}
