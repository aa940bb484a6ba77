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
// Root mean square norm of the residual stream, with the addition before it in the same pass. The stream
// and what is added to it are float32 for every T: a stream rounded to T after each layer is what costs
// most of bf16's precision.
#pragma once

#include "tilekv/numeric.cuh"

namespace tilekv {

// stream + (add + bias).
template <typename T>
__device__ __forceinline__ void sumOfStream(const float* stream, const float* add, const T* bias, int i,
                                            float (&x)[VECTOR]) {
  load8(stream + i, x);
  if (add == nullptr) return;
  float y[VECTOR];
  load8(add + i, y);
  if (bias != nullptr) {
    float b[VECTOR];
    load8(bias + i, b);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) y[e] += b[e];
  }
#pragma unroll
  for (int e = 0; e < VECTOR; e++) x[e] += y[e];
}

// One block per output row r; its source is row rows[r], or r where rows is null.
//   stream[source] += add[source] + bias      (add and bias may be null; the sum is stored only
//                                              where rows is null)
//   out[r] = stream[source] / sqrt(mean(stream[source]^2) + eps) * weight
// `hidden` is a multiple of 8 and at most 16 * blockDim.x; the bits depend on blockDim.x, which must
// therefore follow from `hidden` alone.
template <typename T>
__device__ void addAndNorm(float* stream, const float* add, const T* bias, const T* weight, T* out,
                           const int* rows, int hidden, float eps) {
  constexpr int CHUNKS = 2;
  __shared__ float scratch[WARP];
  long long source = static_cast<long long>(rows == nullptr ? blockIdx.x : rows[blockIdx.x]) * hidden;
  const float* added = add == nullptr ? nullptr : add + source;
  float x[CHUNKS][VECTOR];
  float squares = 0.f;
#pragma unroll
  for (int c = 0; c < CHUNKS; c++) {
    int i = (c * blockDim.x + threadIdx.x) * VECTOR;
    if (i >= hidden) break;
    sumOfStream(stream + source, added, bias, i, x[c]);
    if (add != nullptr && rows == nullptr) store8(stream + source + i, x[c]);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) squares = fmaf(x[c][e], x[c][e], squares);
  }
  float scale = 1.f / sqrtf(blockSum(squares, scratch) / hidden + eps);
  T* target = out + static_cast<long long>(blockIdx.x) * hidden;
#pragma unroll
  for (int c = 0; c < CHUNKS; c++) {
    int i = (c * blockDim.x + threadIdx.x) * VECTOR;
    if (i >= hidden) break;
    float w[VECTOR];
    load8(weight + i, w);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) w[e] *= x[c][e] * scale;
    store8(target + i, w);
  }
}

}  // namespace tilekv
