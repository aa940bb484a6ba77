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
// From logits to the next step's input.
#pragma once

#include "tilekv/numeric.cuh"

namespace tilekv {

// Order of (value, index) pairs: larger value first, then smaller index. NaN never wins, since no
// comparison with it holds.
struct Best {
  float value;
  int index;

  static __device__ Best none() { return {-infinite(), -1}; }

  __device__ void offer(float otherValue, int otherIndex) {
    if (otherValue > value || (otherValue == value && otherIndex >= 0 && otherIndex < index)) {
      value = otherValue;
      index = otherIndex;
    }
  }

  __device__ void mergeLanes() {
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2) {
      float otherValue = __shfl_xor_sync(ALL_LANES, value, step);
      int otherIndex = __shfl_xor_sync(ALL_LANES, index, step);
      offer(otherValue, otherIndex);
    }
  }
};

// chosen[r] = index of the largest logit of row r = blockIdx.x, the first among equals; -1 where
// the row has no finite maximum (all NaN or -inf, or a +inf). Rows are `stride` elements apart and
// need no alignment. Result is the same for every block size.
template <typename T>
__device__ void argmax(const T* logits, int* chosen, int vocab, long long stride) {
  const T* row = logits + blockIdx.x * stride;
  constexpr int ALIGNED = 16 / sizeof(T);
  int misaligned = static_cast<int>(reinterpret_cast<unsigned long long>(row) / sizeof(T) % ALIGNED);
  int head = min(vocab, (ALIGNED - misaligned) % ALIGNED);
  int units = (vocab - head) / VECTOR;
  Best best = Best::none();
  for (int i = threadIdx.x; i < head; i += blockDim.x) best.offer(toFloat(row[i]), i);
#pragma unroll 4
  for (int u = threadIdx.x; u < units; u += blockDim.x) {
    int first = head + u * VECTOR;
    float x[VECTOR];
    load8(row + first, x);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) best.offer(x[e], first + e);
  }
  for (int i = head + units * VECTOR + threadIdx.x; i < vocab; i += blockDim.x) {
    best.offer(toFloat(row[i]), i);
  }
  __shared__ Best ofWarp[WARP];
  best.mergeLanes();
  if (threadIdx.x % WARP == 0) ofWarp[threadIdx.x / WARP] = best;
  __syncthreads();
  if (threadIdx.x >= WARP) return;
  best = threadIdx.x < blockDim.x / WARP ? ofWarp[threadIdx.x] : Best::none();
  best.mergeLanes();
  if (threadIdx.x == 0) chosen[blockIdx.x] = best.value < infinite() ? best.index : -1;
}

// to[i] = float of from[r, c], rows `stride` elements apart in `from` and `vocab` in `to`.
template <typename T>
__device__ void copyLogits(const T* from, float* to, int vocab, long long stride) {
  const T* source = from + blockIdx.x * stride;
  float* target = to + static_cast<long long>(blockIdx.x) * vocab;
  for (int i = threadIdx.x; i < vocab; i += blockDim.x) target[i] = toFloat(source[i]);
}

// Makes the chosen tokens the input of the next decode step, without the host: rows are decode rows
// whose step index is their token index. One block; step, history and work may be null.
__device__ __forceinline__ void advance(const int* chosen, int* tokens, int* positions, int4* work,
                                        int* history, int* step, int rows) {
  int at = step == nullptr ? 0 : *step;
  for (int r = threadIdx.x; r < rows; r += blockDim.x) {
    tokens[r] = chosen[r];
    positions[r]++;
    if (work != nullptr) work[r].y++;
    if (history != nullptr) history[static_cast<long long>(at) * rows + r] = chosen[r];
  }
  __syncthreads();
  if (threadIdx.x == 0 && step != nullptr) *step = at + 1;
}

}  // namespace tilekv
