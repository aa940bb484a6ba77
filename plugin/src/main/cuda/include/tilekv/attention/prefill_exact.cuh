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
// Prefill attention in plain float32, without tensor cores: for tests and float32 models.
//
// One block: 4 warps; a warp takes query rows one after the other. Lanes stand for keys in q.k and
// for elements of the head in p.v; keys come in blocks of 32 with a running maximum.
#pragma once

#include "tilekv/attention/prefill.cuh"

namespace tilekv {

struct ExactShape {
  static constexpr int WARPS = 4;
  static constexpr int THREADS = WARPS * WARP;
  static constexpr int ROWS = 64;
};

__device__ __forceinline__ float warpMax(float x) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step));
  return x;
}

__device__ __forceinline__ float warpSum(float x) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  return x;
}

template <int D>
__device__ __forceinline__ float dot(const float* q, const float* k) {
  float sum = 0.f;
#pragma unroll 4
  for (int d = 0; d < D; d += 4) {
    float4 x = *reinterpret_cast<const float4*>(q + d);
    float4 y = *reinterpret_cast<const float4*>(k + d);
    sum = fmaf(x.x, y.x, sum);
    sum = fmaf(x.y, y.y, sum);
    sum = fmaf(x.z, y.z, sum);
    sum = fmaf(x.w, y.w, sum);
  }
  return sum;
}

template <int D>
__device__ void prefillExact(const PrefillArguments<float>& a) {
  constexpr int PER_LANE = (D + WARP - 1) / WARP;
  PrefillBlock block(a, blockIdx.x);
  TileRow<float> tiles = block.tiles(a, D);
  int lane = threadIdx.x % WARP;
  int rows = block.tokens * a.groupSize;
  for (int r = threadIdx.x / WARP; r < rows; r += ExactShape::WARPS) {
    const float* q = a.q + block.offset(a, r, a.qStride, D);
    int last = block.position + r / a.groupSize;
    int first = firstVisible(last, a.window);
    float maximum = -infinite();
    float sum = 0.f;
    float out[PER_LANE] = {};
    for (int base = first / WARP * WARP; base <= last; base += WARP) {
      int position = base + lane;
      bool visible = position >= first && position <= last;
      const float* k = visible ? tiles.key(tiles.page(position), position) : nullptr;
      float score = visible ? dot<D>(q, k) * a.scale : -infinite();
      float top = fmaxf(maximum, warpMax(score));
      float shrink = expf(maximum - top);
      float weight = visible ? expf(score - top) : 0.f;
      maximum = top;
      sum = fmaf(sum, shrink, warpSum(weight));
#pragma unroll
      for (int i = 0; i < PER_LANE; i++) out[i] *= shrink;
      for (int key = max(first - base, 0); key <= min(last - base, WARP - 1); key++) {
        float p = __shfl_sync(ALL_LANES, weight, key);
        const float* v =
            reinterpret_cast<const float*>(
                __shfl_sync(ALL_LANES, reinterpret_cast<unsigned long long>(k), key)) +
            tiles.valueOffset();
#pragma unroll
        for (int i = 0; i < PER_LANE; i++) {
          int d = i * WARP + lane;
          if (D % WARP == 0 || d < D) out[i] = fmaf(p, v[d], out[i]);
        }
      }
    }
    float* target = a.out + block.offset(a, r, a.outStride, D);
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
      int d = i * WARP + lane;
      if (D % WARP == 0 || d < D) target[d] = out[i] / sum;
    }
  }
}

}  // namespace tilekv
