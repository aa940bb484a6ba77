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
import org.jspecify.annotations.Nullable;
import org.tilekv.ComputePool;

/** A projection: one or several weight tensors side by side, with or without bias. */
final class Linear {

  private final PackedMatrix weights;
  private final float @Nullable [] bias;

  private Linear(PackedMatrix weights, float @Nullable [] bias) {
    this.weights = weights;
    this.bias = bias;
  }

  /**
   * Packs {@code NAME.weight} of every name, outputs one after the other, and {@code NAME.bias}
   * where asked for. Weights are kept as bfloat16 where all tensors are, else as float32.
   */
  static Linear load(LayerLoader loader, int depth, boolean withBias, String... names) {
    Tensor[] tensors =
        Arrays.stream(names).map(name -> loader.tensor(name + ".weight")).toArray(Tensor[]::new);
    int outputs = 0;
    boolean bf16 = true;
    for (Tensor tensor : tensors) {
      outputs += tensor.requireShape(tensor.shape()[0], depth).shape()[0];
      bf16 &= tensor.dtype() == WeightDtype.BF16;
    }
    PackedMatrix weights = new PackedMatrix(loader.matMul(), outputs, depth, bf16);
    int first = 0;
    for (Tensor tensor : tensors) {
      weights.fill(first, tensor, loader.pool());
      first += tensor.shape()[0];
    }
    return new Linear(weights, withBias ? bias(loader, outputs, names) : null);
  }

  private static float[] bias(LayerLoader loader, int outputs, String... names) {
    float[] all = new float[outputs];
    int at = 0;
    for (String name : names) {
      float[] part = loader.tensor(name + ".bias").toFloats();
      if (at + part.length > outputs) {
        throw new InvalidModelException(
            name + ".bias has " + part.length + " elements; its weight has fewer outputs");
      }
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  PackedMatrix weights() {
    return weights;
  }

  /** Outputs, without padding. */
  int outputs() {
    return weights.outputs();
  }

  /** Elements between rows of a result. */
  int stride() {
    return weights.stride();
  }

  /** {@code y = x W^T + bias}, rows of y {@link #stride} apart. */
  void apply(float[] x, int xStride, int rows, float[] y, ComputePool pool) {
    weights.multiply(x, xStride, rows, y, pool);
    float[] b = bias;
    if (b == null) {
      return;
    }
    int stride = stride();
    pool.forEach(
        rows,
        (row, worker) -> {
          int at = row * stride;
          for (int i = 0; i < b.length; i++) {
            y[at + i] += b[i];
          }
        });
  }
}
