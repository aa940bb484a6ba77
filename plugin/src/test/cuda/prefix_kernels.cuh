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
// Launches of attention to a shared prefix, and the list of its work, for tests and benchmarks.
#pragma once

#include "../../main/cuda/attention_prefix_sm90a.cu"
#include "decode_kernels.cuh"
#include "pool_map.cuh"

namespace test {

// Work of one group of sharers: keys [0, keys) of a page-table row, cut into `parts`.
struct PrefixWork {
  std::vector<int4> items;
  std::vector<int> members;

  static int blockKeys(int headDim) { return headDim > 128 ? 64 : 128; }

  void add(const Shape& s, int row, int keys, int parts, const std::vector<int>& sharers) {
    int most = 128 / s.groupSize, step = blockKeys(s.headDim), blocks = keys / step;
    int firstMember = static_cast<int>(members.size());
    members.insert(members.end(), sharers.begin(), sharers.end());
    for (int part = 0; part < parts; part++) {
      int from = blocks * part / parts * step, to = blocks * (part + 1) / parts * step;
      for (size_t i = 0; i < sharers.size(); i += most) {
        items.push_back({row, from, to, part});
        items.push_back({firstMember + static_cast<int>(i),
                         static_cast<int>(std::min<size_t>(most, sharers.size() - i)), 0, 0});
      }
    }
  }
  int count() const { return static_cast<int>(items.size() / 2); }
};

template <typename T>
using PrefixKernel = void (*)(const T*, float*, const void*, const int*, const int4*, const int*, const int*,
                              int, int, int, int, int, int, int, float, int);

#define PREFIX_CASE(D)                                                               \
  case D:                                                                            \
    sharedBytes = tilekv::WgmmaShape<D>::SHARED_BYTES;                               \
    if constexpr (std::is_same_v<T, f16>) return tilekv_prefix_f16_d##D;             \
    if constexpr (std::is_same_v<T, bf16>) return tilekv_prefix_bf16_d##D;

template <typename T>
PrefixKernel<T> prefixKernel(int headDim, int& sharedBytes) {
  switch (headDim) {
    PREFIX_CASE(64)
    PREFIX_CASE(128)
    PREFIX_CASE(256)
  }
  std::printf("no prefix kernel for head dim %d\n", headDim);
  std::exit(2);
}

template <typename T>
struct PrefixLaunch {
  Shape s;
  int sharedBytes = 0;
  PrefixKernel<T> kernel;
  int blocks = 0;
  Device<int4> items;
  Device<int> count;
  Device<int> members;

  PrefixLaunch(const Shape& s, const PrefixWork& work)
      : s(s),
        kernel(prefixKernel<T>(s.headDim, sharedBytes)),
        items(work.items),
        count(std::vector<int>{work.count()}),
        members(work.members) {
    CHECK_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, sharedBytes));
    CHECK_CUDA(cudaDeviceGetAttribute(&blocks, cudaDevAttrMultiProcessorCount, 0));
  }

  // Leaves partial results where `decode` expects them.
  void run(cudaStream_t stream, const DecodeBuffers<T>& b, const PoolMap* map) const {
    kernel<<<blocks, 384, sharedBytes, stream>>>(
        b.q, const_cast<float*>(b.prefix), map, b.pageTable, items.get(), count.get(), members.get(),
        b.prefixTokens, s.kvHeads, s.groupSize, b.maxTiles, s.tileTokensLog2(), s.tileElements(), s.layer,
        s.scale(), b.qStride);
  }
};

inline size_t prefixFloats(const Shape& s, int tokens, int parts) {
  return static_cast<size_t>(parts) * tokens * s.queryHeads() * (s.headDim + 4);
}

}  // namespace test
