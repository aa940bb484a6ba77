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
// Launches of the prefill kernels by type, head dim and kind, for tests and benchmarks.
#pragma once

#include "../../main/cuda/attention_prefill.cu"
#include "../../main/cuda/attention_prefill_sm90a.cu"
#include "paged_case.cuh"
#include "pool_map.cuh"

namespace test {

// MMA: attention_prefill.cu, which has all head dims and types. TMA: attention_prefill_sm90a.cu.
enum class Kind { MMA, TMA };

inline int rowsOfItem(Kind kind) { return kind == Kind::MMA ? 64 : 128; }

// "mma", "tma", anything else: both.
inline std::vector<Kind> kindsNamed(const std::string& name) {
  if (name == "mma") return {Kind::MMA};
  if (name == "tma") return {Kind::TMA};
  return {Kind::MMA, Kind::TMA};
}

template <typename T>
bool exists(Kind kind, int headDim) {
  return kind == Kind::MMA || (sizeof(T) == 2 && headDim % 64 == 0);
}

template <typename T>
using MmaKernel = void (*)(const T*, T*, T*, const int*, const int4*, int, int, int, int, int, int,
                           int, float, int, int);
template <typename T>
using TmaKernel = void (*)(const T*, T*, const void*, const int*, const int4*, int, int, int, int,
                           int, int, int, int, float, int, int);

#define MMA_CASE(D)                                                                 \
  case D:                                                                           \
    sharedBytes = std::is_same_v<T, float> ? 0 : tilekv::MmaShape<D>::SHARED_BYTES; \
    if constexpr (std::is_same_v<T, float>) return tilekv_prefill_f32_d##D;         \
    if constexpr (std::is_same_v<T, f16>) return tilekv_prefill_f16_d##D;           \
    if constexpr (std::is_same_v<T, bf16>) return tilekv_prefill_bf16_d##D;

template <typename T>
MmaKernel<T> mmaKernel(int headDim, int& sharedBytes) {
  switch (headDim) {
    MMA_CASE(32)
    MMA_CASE(64)
    MMA_CASE(80)
    MMA_CASE(96)
    MMA_CASE(128)
    MMA_CASE(256)
  }
  std::printf("no kernel for head dim %d\n", headDim);
  std::exit(2);
}

#define TMA_CASE(D)                                                     \
  case D:                                                               \
    sharedBytes = tilekv::WgmmaShape<D>::SHARED_BYTES;                  \
    if constexpr (std::is_same_v<T, f16>) return tilekv_prefill_tma_f16_d##D; \
    if constexpr (std::is_same_v<T, bf16>) return tilekv_prefill_tma_bf16_d##D;

template <typename T>
TmaKernel<T> tmaKernel(int headDim, int& sharedBytes) {
  switch (headDim) {
    TMA_CASE(64)
    TMA_CASE(128)
    TMA_CASE(256)
  }
  std::printf("no TMA kernel for head dim %d\n", headDim);
  std::exit(2);
}

// Everything on the device that a launch needs.
template <typename T>
struct PrefillBuffers {
  const Shape& s;
  int maxTiles;
  const Device<T>& q;
  const Device<T>& out;
  const Device<T>& pool;
  const Device<int>& pageTable;
  const Device<int4>& work;
  const Device<PoolMap>& map;
  int qStride;
  int outStride;
};

template <typename T>
void launchPrefill(Kind kind, const PrefillBuffers<T>& b, cudaStream_t stream) {
  const Shape& s = b.s;
  int items = static_cast<int>(b.work.size()), sharedBytes = 0;
  if (kind == Kind::MMA) {
    MmaKernel<T> kernel = mmaKernel<T>(s.headDim, sharedBytes);
    CHECK_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, sharedBytes));
    kernel<<<items * s.kvHeads, 128, sharedBytes, stream>>>(
        b.q.get(), b.out.get(), b.pool.get(), b.pageTable.get(), b.work.get(), s.kvHeads, s.groupSize,
        b.maxTiles, s.tileTokensLog2(), s.tileElements(), s.layer, s.window, s.scale(), b.qStride,
        b.outStride);
  } else if constexpr (sizeof(T) == 2) {
    TmaKernel<T> kernel = tmaKernel<T>(s.headDim, sharedBytes);
    CHECK_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, sharedBytes));
    int processors = 0;
    CHECK_CUDA(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
    kernel<<<std::min(items * s.kvHeads, processors), 384, sharedBytes, stream>>>(
        b.q.get(), b.out.get(), b.map.get(), b.pageTable.get(), b.work.get(), items, s.kvHeads,
        s.groupSize, b.maxTiles, s.tileTokensLog2(), s.tileElements(), s.layer, s.window, s.scale(),
        b.qStride, b.outStride);
  }
}

}  // namespace test
