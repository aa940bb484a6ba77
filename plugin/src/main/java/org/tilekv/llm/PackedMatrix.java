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
import org.tilekv.ComputePool;

/**
 * A weight matrix {@code [outputs, depth]}, packed for {@link PanelKernel}: panels of {@code 2 *
 * lanes} outputs, each holding its weights depth by depth. bfloat16 weights stay two bytes each.
 * The number of panels is even; padding outputs are 0.
 */
final class PackedMatrix {

  private static final int GROUP = 4;

  // Panels, rows and sums of so much depth stay in the second-level cache.
  private static final int DEPTH_BLOCK = 1024;

  // Rows of one work item: enough to use weights many times, few enough to keep all threads busy.
  private static final int ROW_BLOCK = 64;
  private static final int SHORT_MASK = 0xFFFF;

  private final PanelKernel kernel;
  private final int outputs;
  private final int depth;
  private final boolean bf16;
  private final int lanes;
  private final Object[] panels;

  PackedMatrix(MatMulKind kind, int outputs, int depth, boolean bf16) {
    this.kernel = kind.kernel(bf16);
    this.outputs = outputs;
    this.depth = depth;
    this.bf16 = bf16;
    this.lanes = kernel.lanes();
    int columns = 2 * lanes;
    panels = new Object[(outputs + 2 * columns - 1) / (2 * columns) * 2];
    for (int i = 0; i < panels.length; i++) {
      panels[i] = bf16 ? new int[depth * lanes] : new float[depth * columns];
    }
  }

  int outputs() {
    return outputs;
  }

  int depth() {
    return depth;
  }

  /** Elements between rows of a product: outputs rounded up to whole pairs of panels. */
  int stride() {
    return panels.length * 2 * lanes;
  }

  /**
   * Stores output rows {@code first} on, from a tensor of this depth; panels may be filled in
   * parallel.
   */
  void fill(int first, Tensor tensor, ComputePool pool) {
    int rows = tensor.shape()[0];
    int columns = 2 * lanes;
    int firstPanel = first / columns;
    int lastPanel = (first + rows - 1) / columns;
    pool.forEach(
        lastPanel - firstPanel + 1,
        (item, worker) -> {
          int panel = firstPanel + item;
          int from = Math.max(first, panel * columns);
          int to = Math.min(first + rows, (panel + 1) * columns);
          fillPanel(panel, from, to, first, tensor);
        });
  }

  private void fillPanel(int panel, int from, int to, int first, Tensor tensor) {
    short[] halves = new short[bf16 ? depth : 0];
    float[] floats = new float[bf16 ? 0 : depth];
    for (int output = from; output < to; output++) {
      long at = (long) (output - first) * depth;
      int column = output - panel * 2 * lanes;
      if (bf16) {
        tensor.readShorts(at, halves, 0, depth);
        putHalves((int[]) panels[panel], column, halves);
      } else {
        tensor.readFloats(at, floats, 0, depth);
        putFloats((float[]) panels[panel], column, floats);
      }
    }
  }

  private void putHalves(int[] panel, int column, short[] row) {
    int lane = column % lanes;
    int shift = column < lanes ? 0 : Short.SIZE;
    for (int k = 0; k < depth; k++) {
      panel[k * lanes + lane] |= (row[k] & SHORT_MASK) << shift;
    }
  }

  private void putFloats(float[] panel, int column, float[] row) {
    for (int k = 0; k < depth; k++) {
      panel[2 * k * lanes + column] = row[k];
    }
  }

  /** Copies the weights of one output, as float32: an embedding looks its rows up here. */
  void readOutput(int output, float[] target, int offset) {
    int column = output % (2 * lanes);
    Object panel = panels[output / (2 * lanes)];
    if (panel instanceof int[] pairs) {
      int lane = column % lanes;
      int shift = column < lanes ? Short.SIZE : 0;
      for (int k = 0; k < depth; k++) {
        target[offset + k] = Float.intBitsToFloat(pairs[k * lanes + lane] << shift & 0xFFFF0000);
      }
    } else {
      float[] floats = (float[]) panel;
      for (int k = 0; k < depth; k++) {
        target[offset + k] = floats[2 * k * lanes + column];
      }
    }
  }

  /**
   * {@code y[r] = x[r] * W^T} for {@code rows} rows.
   *
   * @param xStride elements between rows of x
   * @param y rows are {@link #stride} apart
   */
  void multiply(float[] x, int xStride, int rows, float[] y, ComputePool pool) {
    if (rows == 1) {
      multiplyRow(x, y, pool);
      return;
    }
    int blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK;
    pool.forEach(
        panels.length / 2 * blocks,
        (item, worker) -> {
          int row = item % blocks * ROW_BLOCK;
          multiplyPair(item / blocks * 2, x, xStride, row, Math.min(ROW_BLOCK, rows - row), y);
        });
  }

  private void multiplyPair(int first, float[] x, int xStride, int row, int rows, float[] y) {
    int yStride = stride();
    int to = row * yStride + first * 2 * lanes;
    for (int r = 0; r < rows; r++) {
      Arrays.fill(y, to + r * yStride, to + r * yStride + 4 * lanes, 0f);
    }
    for (int from = 0; from < depth; from += DEPTH_BLOCK) {
      int end = Math.min(from + DEPTH_BLOCK, depth);
      kernel.accumulate(panels, first, from, end, x, row * xStride, xStride, rows, y, to, yStride);
    }
  }

  private void multiplyRow(float[] x, float[] y, ComputePool pool) {
    int groups = (panels.length + GROUP - 1) / GROUP;
    pool.forEach(
        groups,
        (group, worker) -> {
          int first = group * GROUP;
          if (first + GROUP <= panels.length) {
            kernel.rowThroughFour(panels, first, depth, x, 0, y, first * 2 * lanes);
          } else {
            multiplyPair(first, x, 0, 0, 1, y);
          }
        });
  }
}
