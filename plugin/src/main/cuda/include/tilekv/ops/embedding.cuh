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
// Token embeddings.
#pragma once

#include "tilekv/numeric.cuh"

namespace tilekv {

// to[blockIdx.x, width] = from[indices[blockIdx.x], width] as float32; an index outside [0, rows) gives
// zeros, so that a row without a valid token cannot read foreign memory. `width` is a multiple of 8.
template <typename T>
__device__ void gatherRows(const T* from, const int* indices, float* to, int rows, int width) {
  int index = indices[blockIdx.x];
  bool valid = index >= 0 && index < rows;
  const T* source = from + static_cast<long long>(valid ? index : 0) * width;
  float* target = to + static_cast<long long>(blockIdx.x) * width;
  for (int i = threadIdx.x * VECTOR; i < width; i += blockDim.x * VECTOR) {
    float x[VECTOR] = {};
    if (valid) load8(source + i, x);
    store8(target + i, x);
  }
}

}  // namespace tilekv
