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
// Decode attention: the shared memory of a thread block, and what its barriers guard.
#pragma once

#include "tilekv/attention/decode.cuh"
#include "tilekv/barrier.cuh"
#include "tilekv/mma.cuh"

namespace tilekv {

template <int D>
struct DecodeShape {
  static constexpr int CONSUMERS = DECODE_KEYS / 16;
  static constexpr int CONSUMER_THREADS = CONSUMERS * WARP;
  static constexpr int PRODUCERS = 2;
  static constexpr int THREADS = CONSUMER_THREADS + PRODUCERS * WARP;
  static constexpr int COLUMNS = (D + 63) / 64;                   // of 64 elements, 128 bytes
  static constexpr int V_AT = COLUMNS * DECODE_KEYS * 128;        // [column][key][128 bytes]
  static constexpr int STAGE_BYTES = 2 * V_AT;
  // As many bytes as keep an H200's memory busy; more only wait in line, and longer.
  static constexpr int STAGES = D <= 64 ? 3 : 2;
  static constexpr int SEGMENTS = 3;  // whose q is held
  static constexpr int SEGMENT_INTS = sizeof(DecodeSegment) / sizeof(int);
  static constexpr int BLOCKS_PER_PROCESSOR = D > 128 ? 1 : 2;
  // What follows the stages; see DecodeStage.
  static constexpr int BARRIER_BYTES = 8 * 2 * (STAGES + SEGMENTS) + 15 & ~15;
  static constexpr int INFO_BYTES = 192;
  static constexpr int STATISTICS_BYTES = CONSUMERS * 16 * 8;
  static constexpr int FIXED_BYTES =
      1024 + STAGES * STAGE_BYTES + BARRIER_BYTES + INFO_BYTES + STATISTICS_BYTES;
  // Per query head of a KV head.
  static constexpr int HEAD_BYTES = SEGMENTS * D * 2 + CONSUMERS * PartialLayout<D>::ROW * 4;
};

// Shared memory of a thread block.
template <int D>
struct DecodeStage {
  using Shape = DecodeShape<D>;
  unsigned base;           // address of stage 0
  unsigned char* bytes;    // the same as a pointer
  int groupSize;

  __device__ DecodeStage(unsigned char* shared, int groupSize)
      : base((sharedAddress(shared) + 1023) & ~1023u), groupSize(groupSize) {
    bytes = shared + (base - sharedAddress(shared));
  }

  __device__ unsigned stage(int i) const { return base + i * Shape::STAGE_BYTES; }
  __device__ unsigned barrier(int i) const { return base + Shape::STAGES * Shape::STAGE_BYTES + 8 * i; }
  __device__ unsigned full(int i) const { return barrier(i); }
  __device__ unsigned empty(int i) const { return barrier(Shape::STAGES + i); }
  __device__ unsigned fullSegment(int i) const { return barrier(2 * Shape::STAGES + i); }
  __device__ unsigned emptySegment(int i) const {
    return barrier(2 * Shape::STAGES + Shape::SEGMENTS + i);
  }

  __device__ unsigned char* behindBarriers() const {
    return bytes + Shape::STAGES * Shape::STAGE_BYTES + Shape::BARRIER_BYTES;
  }
  __device__ int* segment(int i) const {
    return reinterpret_cast<int*>(behindBarriers()) + i * Shape::SEGMENT_INTS;
  }
  // Maximum and sum of each consumer and query head.
  __device__ float2* statistics() const {
    return reinterpret_cast<float2*>(behindBarriers() + Shape::INFO_BYTES);
  }
  // Sums of each consumer, [consumer][query head][PartialLayout::ROW].
  __device__ float* sums() const {
    return reinterpret_cast<float*>(behindBarriers() + Shape::INFO_BYTES + Shape::STATISTICS_BYTES);
  }
  // [query head][D]
  template <typename T>
  __device__ T* q(int i) const {
    return reinterpret_cast<T*>(sums() + Shape::CONSUMERS * groupSize * PartialLayout<D>::ROW) +
           i * groupSize * D;
  }

  __device__ void init() const {
    for (int i = 0; i < Shape::STAGES; i++) {
      initBarrier(full(i), Shape::PRODUCERS * WARP);
      initBarrier(empty(i), Shape::CONSUMERS * WARP_ARRIVALS);
    }
    for (int i = 0; i < Shape::SEGMENTS; i++) {
      initBarrier(fullSegment(i), WARP + 1);
      initBarrier(emptySegment(i), Shape::CONSUMERS * WARP_ARRIVALS);
    }
    publishBarriers();
  }
};

}  // namespace tilekv
