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

import org.jspecify.annotations.Nullable;
import org.tilekv.ComputePool;

/**
 * What loading a layer needs: the checkpoint, where its names begin, how weights are packed and
 * which part of them this process computes.
 */
record LayerLoader(
    Checkpoint checkpoint,
    String prefix,
    MatMulKind matMul,
    ComputePool pool,
    @Nullable HeadSlice slice) {

  LayerLoader at(String newPrefix) {
    return new LayerLoader(checkpoint, newPrefix, matMul, pool, slice);
  }

  /** A tensor, or of one that members of a cell share this member's part. */
  Tensor tensor(String name) {
    Tensor whole = checkpoint.tensor(prefix + name);
    return slice == null ? whole : slice.part(name, whole);
  }

  /** Whether this process adds the bias of a projection whose sum is the members' together. */
  boolean addsBiasOfSums() {
    return slice == null || slice.rank() == 0;
  }

  float[] vector(String name, int length) {
    return tensor(name).requireShape(length).toFloats();
  }
}
