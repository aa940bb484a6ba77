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
// Launches of the prefill kernels by type and head dim, for tests and benchmarks. Include
// attention_prefill.cu first.
#pragma once

#include "paged_case.cuh"

namespace test {

constexpr int PREFILL_ROWS = 64;

template <typename T>
using PrefillKernel = void (*)(const T*, T*, T*, const int*, const int4*, int, int, int, int, int,
                               int, int, float, int, int);

#define PREFILL_CASE(D)                                                                      \
  case D:                                                                                    \
    sharedBytes = std::is_same_v<T, float> ? 0 : tilekv::MmaShape<D>::SHARED_BYTES;          \
    if constexpr (std::is_same_v<T, float>) return tilekv_prefill_f32_d##D;                  \
    if constexpr (std::is_same_v<T, f16>) return tilekv_prefill_f16_d##D;                    \
    if constexpr (std::is_same_v<T, bf16>) return tilekv_prefill_bf16_d##D;

template <typename T>
PrefillKernel<T> prefillKernel(int headDim, int& sharedBytes) {
  switch (headDim) {
    PREFILL_CASE(32)
    PREFILL_CASE(64)
    PREFILL_CASE(80)
    PREFILL_CASE(96)
    PREFILL_CASE(128)
    PREFILL_CASE(256)
  }
  std::printf("no kernel for head dim %d\n", headDim);
  std::exit(2);
}

template <typename T>
void launchPrefill(const Shape& s, int items, int maxTiles, const T* q, T* out, T* pool,
                   const int* table, const int4* work, int qStride, int outStride,
                   cudaStream_t stream) {
  int sharedBytes = 0;
  PrefillKernel<T> kernel = prefillKernel<T>(s.headDim, sharedBytes);
  CHECK_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, sharedBytes));
  kernel<<<items * s.kvHeads, 128, sharedBytes, stream>>>(
      q, out, pool, table, work, s.kvHeads, s.groupSize, maxTiles, s.tileTokensLog2(),
      s.tileElements(), s.layer, s.window, s.scale(), qStride, outStride);
}

}  // namespace test
