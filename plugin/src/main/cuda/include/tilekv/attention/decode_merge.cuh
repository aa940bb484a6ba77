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
// Decode attention: how partial results are put together, of warps, of thread blocks and of shared prefixes.
#pragma once

#include "tilekv/attention/decode_stage.cuh"

namespace tilekv {

// A sum of values relative to a maximum, and the sum of its weights.
struct WeightedSum {
  float maximum = -infinite();
  float sum = 0.f;
  float4 out = make_float4(0.f, 0.f, 0.f, 0.f);

  // Adds parts in their order; those without keys have a maximum of -inf.
  template <int N>
  __device__ __forceinline__ void add(const float2 (&statistics)[N], const float4 (&parts)[N]) {
    float top = maximum;
#pragma unroll
    for (int i = 0; i < N; i++) top = fmaxf(top, statistics[i].x);
    if (top == -infinite()) return;
    scale(fastExp2(maximum - top));
    maximum = top;
#pragma unroll
    for (int i = 0; i < N; i++) {
      float weight = fastExp2(statistics[i].x - top);
      sum = fmaf(statistics[i].y, weight, sum);
      out.x = fmaf(parts[i].x, weight, out.x);
      out.y = fmaf(parts[i].y, weight, out.y);
      out.z = fmaf(parts[i].z, weight, out.z);
      out.w = fmaf(parts[i].w, weight, out.w);
    }
  }

  // Adds `count` stored parts, whose rows `rowOf(i)` gives. Many are read at once: the time is that of a
  // few round trips.
  template <int D, typename RowOf>
  __device__ __forceinline__ void addStored(int count, int unit, RowOf rowOf) {
    constexpr int BATCH = 9;
    for (int first = 0; first < count; first += BATCH) {
      float2 statistics[BATCH];
      float4 parts[BATCH];
#pragma unroll
      for (int i = 0; i < BATCH; i++) {
        statistics[i] = make_float2(-infinite(), 0.f);
        parts[i] = make_float4(0.f, 0.f, 0.f, 0.f);
        if (first + i >= count) continue;
        const float* row = rowOf(first + i);
        statistics[i] = __ldcg(reinterpret_cast<const float2*>(row + PartialLayout<D>::MAXIMUM));
        parts[i] = __ldcg(reinterpret_cast<const float4*>(row) + unit);
      }
      add(statistics, parts);
    }
  }

  __device__ void scale(float by) {
    sum *= by;
    out.x *= by;
    out.y *= by;
    out.z *= by;
    out.w *= by;
  }
};

// Adds 1; what the thread block wrote before is seen by whoever sees the new count.
__device__ __forceinline__ int countArrival(int* counter) {
  int before;
  asm volatile("atom.add.acq_rel.gpu.global.s32 %0, [%1], 1;" : "=r"(before) : "l"(counter) : "memory");
  return before;
}

template <int D>
__device__ __forceinline__ void syncConsumers() {
  asm volatile("bar.sync 1, %0;" ::"n"(DecodeShape<D>::CONSUMER_THREADS) : "memory");
}

// Puts the warps' parts of a segment together, and the parts of a task where this is the last to arrive.
// Whether it is comes to light at the next segment: nobody waits for the counter.
template <typename T, int D>
struct DecodeFinish {
  using Shape = DecodeShape<D>;
  using Layout = PartialLayout<D>;
  const DecodeArguments<T>& a;
  const DecodeStage<D>& stage;
  int* lastArrival;
  DecodeSegment pending;  // its parts are counted, and may have to be put together
  int arrivedBefore = 0;  // of thread 0

  __device__ DecodeFinish(const DecodeArguments<T>& a, const DecodeStage<D>& stage, int* lastArrival)
      : a(a), stage(stage), lastArrival(lastArrival) {
    pending.ranges = 0;
  }

  __device__ float* slot(int i) const {
    return a.partials + static_cast<long long>(i) * a.groupSize * Layout::ROW;
  }

  template <typename Body>
  __device__ void forUnits(Body body) const {
    for (int i = threadIdx.x; i < a.groupSize * (D / 4); i += Shape::CONSUMER_THREADS) {
      body(i / (D / 4), i % (D / 4));
    }
  }

  __device__ WeightedSum ofWarps(int head, int unit) const {
    float2 statistics[Shape::CONSUMERS];
    float4 parts[Shape::CONSUMERS];
#pragma unroll
    for (int w = 0; w < Shape::CONSUMERS; w++) {
      statistics[w] = stage.statistics()[w * 16 + head];
      const float* sums = stage.sums() + (w * a.groupSize + head) * Layout::ROW;
      parts[w] = reinterpret_cast<const float4*>(sums)[unit];
    }
    WeightedSum all;
    all.add(statistics, parts);
    return all;
  }

  __device__ WeightedSum ofRanges(const DecodeSegment& s, int head, int unit) const {
    WeightedSum all;
    all.addStored<D>(s.ranges, unit, [&](int part) {
      return slot(2 * (s.firstRange + part) + (part == 0 ? 1 : 0)) + head * Layout::ROW;
    });
    return all;
  }

  __device__ void store(const DecodeSegment& s, WeightedSum all, int head, int unit) const {
    int queryHead = s.head * a.groupSize + head;
    all.addStored<D>(s.prefixParts, unit, [&](int part) {
      long long row = (static_cast<long long>(part) * a.prefixTokens + s.token) * a.queryHeads() + queryHead;
      return a.prefix + row * Layout::ROW;
    });
    float inverse = 1.f / all.sum;
    uint2 packed = make_uint2(pack<T>(all.out.x * inverse, all.out.y * inverse),
                              pack<T>(all.out.z * inverse, all.out.w * inverse));
    T* to = a.out + static_cast<long long>(s.token) * a.outStride + queryHead * D + unit * 4;
    *reinterpret_cast<uint2*>(to) = packed;
  }

  // Ends a segment whose warps have left their parts.
  __device__ void run(const DecodeSegment& s) {
    announce();
    syncConsumers<D>();
    resolve();
    if (s.ranges == 1) {
      forUnits([&](int head, int unit) { store(s, ofWarps(head, unit), head, unit); });
      syncConsumers<D>();  // what the warps left may be overwritten
      return;
    }
    forUnits([&](int head, int unit) {
      WeightedSum mine = ofWarps(head, unit);
      float* to = slot(s.slot) + head * Layout::ROW;
      reinterpret_cast<float4*>(to)[unit] = mine.out;
      if (unit == 0) *reinterpret_cast<float2*>(to + Layout::MAXIMUM) = make_float2(mine.maximum, mine.sum);
    });
    syncConsumers<D>();
    pending = s;
    if (threadIdx.x == 0) arrivedBefore = countArrival(&a.arrivals[s.task]);
  }

  __device__ void end() {
    if (pending.ranges == 0) return;
    announce();
    syncConsumers<D>();
    resolve();
  }

  __device__ void announce() {
    if (pending.ranges == 0 || threadIdx.x > 0) return;
    bool last = arrivedBefore == pending.ranges - 1;
    if (last) a.arrivals[pending.task] = 0;
    *lastArrival = last;
  }

  __device__ void resolve() {
    if (pending.ranges > 0 && *lastArrival) {
      __threadfence();
      forUnits([&](int head, int unit) {
        store(pending, ofRanges(pending, head, unit), head, unit);
      });
    }
    pending.ranges = 0;
  }
};

}  // namespace tilekv
