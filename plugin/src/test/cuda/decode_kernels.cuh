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
// Launches of the decode kernels by type and head dim, and the plan of a step, for tests and
// benchmarks.
#pragma once

#include "../../main/cuda/attention_decode.cu"
#include "paged_case.cuh"

namespace test {

// A query token of a step: its page-table row, its position, and the first key that is not taken from
// a shared prefix.
struct DecodeToken {
  int row;
  int position;
  int firstKey = 0;
  int prefixParts = 0;
};

// An entry for each token and one behind them; README.md explains them.
inline std::vector<int4> decodePlan(const std::vector<DecodeToken>& tokens, int window) {
  std::vector<int4> plan;
  int start = 0;
  for (const DecodeToken& t : tokens) {
    int first = window == 0 ? 0 : std::max(0, t.position - window + 1);
    int firstBlock = std::max(first, t.firstKey) / tilekv::DECODE_KEYS;
    plan.push_back({t.row, t.position, firstBlock | t.prefixParts << 24, start});
    if (t.position >= 0) start += t.position / tilekv::DECODE_KEYS - firstBlock + 1;
  }
  plan.push_back({0, 0, 0, start});
  return plan;
}

template <typename T>
using DecodeKernel = void (*)(const T*, T*, const T*, const int*, const int4*, int, float*, int*,
                              const float*, int, int, int, int, int, int, int, int, float, int, int);
#define DECODE_CASE(D)                                                                              \
  case D:                                                                                           \
    sharedBytes = tilekv::DecodeShape<D>::FIXED_BYTES + group * tilekv::DecodeShape<D>::HEAD_BYTES; \
    if constexpr (std::is_same_v<T, f16>)                                                           \
      return group <= 8 ? tilekv_decode_f16_d##D##_g8 : tilekv_decode_f16_d##D##_g16; \
    if constexpr (std::is_same_v<T, bf16>)                                                          \
      return group <= 8 ? tilekv_decode_bf16_d##D##_g8 : tilekv_decode_bf16_d##D##_g16;

template <typename T>
DecodeKernel<T> decodeKernel(int headDim, int group, int& sharedBytes) {
  switch (headDim) {
    DECODE_CASE(32)
    DECODE_CASE(64)
    DECODE_CASE(80)
    DECODE_CASE(96)
    DECODE_CASE(128)
    DECODE_CASE(256)
  }
  std::printf("no decode kernel for head dim %d\n", headDim);
  std::exit(2);
}

// Everything on the device that a launch needs.
template <typename T>
struct DecodeBuffers {
  Shape s;
  int maxTiles;
  const T* q;
  T* out;
  const T* pool;
  const int* pageTable;
  const int4* plan;
  int rows;
  float* partials;
  int* arrivals;
  const float* prefix;
  int prefixTokens;
  int qStride;
  int outStride;
};

// Thread blocks of a launch: as many as run at once.
template <typename Kernel>
int residentBlocks(Kernel kernel, int threads, int sharedBytes) {
  int perProcessor = 0, processors = 0;
  CHECK_CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, sharedBytes));
  CHECK_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&perProcessor, kernel, threads, sharedBytes));
  CHECK_CUDA(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0));
  return perProcessor * processors;
}

// Floats that partial results of any launch take: two of each thread block.
inline size_t partialFloats(const Shape& s, int blocks) {
  return static_cast<size_t>(2 * blocks) * s.groupSize * (s.headDim + 4);
}

template <typename T>
struct DecodeLaunch {
  static constexpr int THREADS = tilekv::DecodeShape<64>::THREADS;
  DecodeBuffers<T> b;
  int sharedBytes = 0;
  DecodeKernel<T> kernel;
  int blocks;

  explicit DecodeLaunch(const Shape& s)
      : b{s},
        kernel(decodeKernel<T>(s.headDim, s.groupSize, sharedBytes)),
        blocks(residentBlocks(kernel, THREADS, sharedBytes)) {}

  void run(cudaStream_t stream) const {
    const Shape& s = b.s;
    kernel<<<blocks, THREADS, sharedBytes, stream>>>(
        b.q, b.out, b.pool, b.pageTable, b.plan, b.rows, b.partials, b.arrivals, b.prefix,
        b.prefixTokens, s.kvHeads, s.groupSize, b.maxTiles, s.tileTokensLog2(), s.tileElements(),
        s.layer, s.window, s.scale(), b.qStride, b.outStride);
  }
};

}  // namespace test
