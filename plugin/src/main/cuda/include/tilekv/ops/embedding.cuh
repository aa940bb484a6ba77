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
// Rows of a matrix by index: token embeddings, and the rows that want logits.
#pragma once

#include "tilekv/numeric.cuh"

namespace tilekv {

// to[blockIdx.x, width] = from[indices[blockIdx.x], width]; an index outside [0, rows) gives zeros,
// so that a row without a valid token cannot read foreign memory. `width` elements are copied in
// 16-byte units where both are aligned, else one by one.
template <typename T>
__device__ void gatherRows(const T* from, const int* indices, T* to, int rows, int width) {
  int index = indices[blockIdx.x];
  bool valid = index >= 0 && index < rows;
  const T* source = from + static_cast<long long>(valid ? index : 0) * width;
  T* target = to + static_cast<long long>(blockIdx.x) * width;
  constexpr int UNIT = 16 / sizeof(T);
  int begin = 0;
  if (width % UNIT == 0) {
    for (int i = threadIdx.x; i < width / UNIT; i += blockDim.x) {
      reinterpret_cast<uint4*>(target)[i] =
          valid ? reinterpret_cast<const uint4*>(source)[i] : make_uint4(0, 0, 0, 0);
    }
    begin = width;
  }
  for (int i = begin + threadIdx.x; i < width; i += blockDim.x) {
    target[i] = valid ? source[i] : fromFloat<T>(0.f);
  }
}

}  // namespace tilekv
