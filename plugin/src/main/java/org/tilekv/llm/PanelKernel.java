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
 * Multiplies rows by panels of a {@link PackedMatrix}; a panel has {@code 2 * lanes} output
 * columns.
 *
 * <p>Contract of all implementations: an output element is one chain of fused multiply-adds over
 * the depth in rising order, starting at 0. A row's bits then depend on nothing but the row. The
 * chain may be cut: a sum that is stored and loaded again keeps its bits.
 */
interface PanelKernel {

  /** Half the columns of a panel. */
  int lanes();

  /**
   * {@code y[r][0..4*lanes) += x[r][from..end) * panels[from..end)}, for two panels side by side.
   *
   * @param panels {@code int[]} of bfloat16 pairs or {@code float[]}, depth by depth; {@code first}
   *     and {@code first + 1} are used
   * @param at first element of row 0 in x, rows are {@code xs} apart
   * @param to first element of row 0 in y, rows are {@code ys} apart
   */
  void accumulate(
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
      int ys);

  /**
   * One row through panels {@code first} to {@code first + 3} over the whole depth; their columns
   * lie side by side in y, which is overwritten.
   */
  void rowThroughFour(Object[] panels, int first, int depth, float[] x, int at, float[] y, int to);
}
