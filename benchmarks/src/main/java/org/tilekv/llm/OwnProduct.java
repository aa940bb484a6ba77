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

/** The product that the CPU decoder uses. */
final class OwnProduct implements MeasuredProduct {

  private final MatMulKind kind;
  private final PackedMatrix weights;
  private final float[] x;
  private final float[] y;
  private final ComputePool pool;

  /**
   * @param x input rows, {@code depth} elements each
   * @param y takes results
   */
  OwnProduct(Tensor tensor, MatMulKind kind, float[] x, float[] y, ComputePool pool) {
    this.kind = kind;
    int outputs = tensor.shape()[0];
    int depth = tensor.columns();
    weights = new PackedMatrix(kind, outputs, depth, tensor.dtype() == WeightDtype.BF16);
    weights.fill(0, tensor, pool);
    this.x = x;
    this.y = y;
    this.pool = pool;
  }

  @Override
  public int outputs() {
    return weights.outputs();
  }

  @Override
  public int depth() {
    return weights.depth();
  }

  @Override
  public void multiply(int rows) {
    weights.multiply(x, depth(), rows, y, pool);
  }

  @Override
  public float[] row(int row) {
    int from = row * weights.stride();
    return Arrays.copyOfRange(y, from, from + outputs());
  }

  @Override
  public String toString() {
    return "own " + kind;
  }

  @Override
  public void close() {}
}
