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
 * Multiplies rows by one panel of a {@link PackedMatrix}: {@code 2 * lanes} output columns over the
 * whole depth.
 *
 * <p>Contract of all implementations: an output element is one chain of fused multiply-adds over
 * the depth in rising order, starting at 0. A row's bits then depend on nothing but the row.
 */
interface PanelKernel {

  /** Half the columns of a panel. */
  int lanes();

  /**
   * {@code y[r][0..2*lanes) = x[r][0..depth) * panel}.
   *
   * @param panel {@code int[]} of bfloat16 pairs or {@code float[]}, {@code depth} rows of a
   *     panel's columns
   * @param at first element of row 0 in x, rows are {@code xs} apart
   * @param to first element of row 0 in y, rows are {@code ys} apart
   */
  void panel(
      Object panel, int depth, float[] x, int at, int xs, int rows, float[] y, int to, int ys);

  /** One row through panels {@code first} to {@code first + 3}, which lie side by side in y. */
  void rowThroughFour(Object[] panels, int first, int depth, float[] x, int at, float[] y, int to);
}
