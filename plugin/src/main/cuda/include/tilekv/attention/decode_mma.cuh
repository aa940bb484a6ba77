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
// Decode attention on tensor cores (mma.sync), bf16 and fp16, for sm_80 and later.
//
// Two producer warps keep a ring of stages of 64 keys filled through the page table, half a stage each.
// (16-byte copies, for every lane one; on an H200 bulk tensor copies into the same stages took 5 % longer.)
// Four consumer warps take 16 keys of a stage each.
// Products are transposed: keys are the rows of k.q and head dims those of v.p, so that the query
// heads of a KV head, seldom more than eight, are the eight columns and none of the work is padding
// of tokens. Each warp has a running maximum of its own; the four are put together when a segment
// ends.
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
      initBarrier(empty(i), Shape::CONSUMERS);
    }
    for (int i = 0; i < Shape::SEGMENTS; i++) {
      initBarrier(fullSegment(i), WARP + 1);
      initBarrier(emptySegment(i), Shape::CONSUMERS);
    }
    publishBarriers();
  }
};

// The pages of a segment's boxes, read 32 at a time. A box is the part of a tile that lies in one
// block of keys.
struct DecodePages {
  const int* pages;
  int tileTokensLog2;
  int boxTokensLog2;
  int firstKey;
  int boxes;
  int held;  // of box `batch + lane`
  int batch;

  template <typename T>
  __device__ void start(const DecodeArguments<T>& a, const DecodeSegment& s) {
    pages = a.pageTable + (static_cast<long long>(s.row) * a.kvHeads + s.head) * a.maxTiles;
    tileTokensLog2 = a.tileTokensLog2;
    boxTokensLog2 = min(tileTokensLog2, DECODE_KEYS_LOG2);
    firstKey = s.firstBlock * DECODE_KEYS;
    boxes = min(s.blocks * DECODE_KEYS, s.position + 1 - firstKey + (1 << boxTokensLog2) - 1) >>
            boxTokensLog2;
    read(0);
  }

  __device__ void read(int from) {
    batch = from;
    int box = from + threadIdx.x % WARP;
    held = box < boxes ? pages[(firstKey + (box << boxTokensLog2)) >> tileTokensLog2] : NO_PAGE;
  }

  // Page of a box; called by the whole warp, boxes of a block lie in one batch.
  __device__ int page(int box) const { return __shfl_sync(ALL_LANES, held, box - batch); }
};

// Puts a segment and its q where the consumers find them.
template <typename T, int D>
__device__ void publishSegment(const DecodeArguments<T>& a, const DecodeSegment& s,
                               const DecodeStage<D>& stage, const Turn<DecodeShape<D>::SEGMENTS>& turn) {
  const int lane = threadIdx.x % WARP;
  awaitPhase(stage.emptySegment(turn.stage), turn.phase ^ 1);
  if (lane == 0) *reinterpret_cast<DecodeSegment*>(stage.segment(turn.stage)) = s;
  if (s.blocks > 0) {
    const T* source = a.q + static_cast<long long>(s.token) * a.qStride + s.head * a.groupSize * D;
    unsigned target = sharedAddress(stage.template q<T>(turn.stage));
    for (int i = lane; i < a.groupSize * D / VECTOR; i += WARP) {
      copyAsync16(target + 16 * i, source + VECTOR * i, true);
    }
  }
  arriveAfterCopies(stage.fullSegment(turn.stage));
  if (lane == 0) arrive(stage.fullSegment(turn.stage));
}

// How a producer warp copies eight keys: lane i takes every 32nd 16-byte unit from the i-th on.
template <int D>
struct EightKeys {
  static constexpr int UNITS = 8 * (D / VECTOR);
  static constexpr int ROUNDS = (UNITS + WARP - 1) / WARP;
  unsigned offset[ROUNDS];  // in a stage
  int key[ROUNDS];

  __device__ EightKeys() {
#pragma unroll
    for (int round = 0; round < ROUNDS; round++) {
      int i = round * WARP + threadIdx.x % WARP;
      int unit = i % (D / VECTOR);
      key[round] = i / (D / VECTOR);
      offset[round] = (unit / 8 * DECODE_KEYS + key[round]) * 128 + ((unit ^ key[round]) & 7) * 16;
    }
  }

  // K and V of the first `present` keys, zeros in place of the others.
  template <typename T>
  __device__ __forceinline__ void copy(unsigned to, const T* from, long long values, int present,
                                       unsigned long long policy) const {
    from += threadIdx.x % WARP * VECTOR;
#pragma unroll
    for (int round = 0; round < ROUNDS; round++) {
      if ((round + 1) * WARP > UNITS && round * WARP + threadIdx.x % WARP >= UNITS) break;
      bool there = key[round] < present;
      const T* source = from + round * WARP * VECTOR;
      copyAsync16(to + offset[round], source, there, policy);
      copyAsync16(to + offset[round] + DecodeShape<D>::V_AT, source + values, there, policy);
    }
  }
};

// Brings half a block of keys into a stage; keys behind the position become zeros.
template <typename T, int D>
__device__ void copyHalf(const DecodeArguments<T>& a, const DecodeStage<D>& stage, const DecodeSegment& s,
                         int block, const DecodePages& pages, int half, int index,
                         const EightKeys<D>& lanes) {
  constexpr int HALF = DECODE_KEYS / 2;
  const int slotMask = (1 << a.tileTokensLog2) - 1;
  const long long values = static_cast<long long>(D) << a.tileTokensLog2;
  const T* layer = a.pool + 2ll * a.layer * values;
  const unsigned long long policy = evictFirst();
  const unsigned to = stage.stage(index);
#pragma unroll
  for (int key = half * HALF; key < (half + 1) * HALF; key += 8) {
    int position = (s.firstBlock + block) * DECODE_KEYS + key;
    int page = pages.page((block * DECODE_KEYS + key) >> pages.boxTokensLog2);
    const T* from = layer + static_cast<long long>(max(page, 0)) * a.tileElements + (position & slotMask) * D;
    lanes.copy(to + key * 128, from, values, page < 0 ? 0 : s.position + 1 - position, policy);
  }
  arriveAfterCopies(stage.full(index));
}

template <typename T, int D>
__device__ void produceDecode(const DecodeArguments<T>& a, DecodeCursor<T>& cursor,
                              const DecodeStage<D>& stage, int half) {
  Turn<DecodeShape<D>::STAGES> turn;
  Turn<DecodeShape<D>::SEGMENTS> segmentTurn;
  const EightKeys<D> lanes;
  DecodeSegment segment = cursor.next();
  DecodePages pages{};
  if (segment.blocks > 0) pages.start(a, segment);
  while (segment.blocks > 0) {
    if (half == 0) publishSegment<T, D>(a, segment, stage, segmentTurn);
    segmentTurn.next();
    DecodeSegment following;
    DecodePages followingPages{};
    const int boxesPerBlock = DECODE_KEYS >> pages.boxTokensLog2;
    for (int b = 0; b < segment.blocks; b++, turn.next()) {
      int firstBox = b * boxesPerBlock;
      if (firstBox >= pages.batch + WARP) pages.read(firstBox);
      awaitPhase(stage.empty(turn.stage), turn.phase ^ 1);
      copyHalf<T, D>(a, stage, segment, b, pages, half, turn.stage, lanes);
      if (b > 0) continue;
      // The next segment's pages are under way while this one is read.
      following = cursor.next();
      if (following.blocks > 0) followingPages.start(a, following);
    }
    segment = following;
    pages = followingPages;
  }
  if (half == 0) publishSegment<T, D>(a, segment, stage, segmentTurn);
}

// What a lane of a consumer holds: of k.q the keys lane / 4 and lane / 4 + 8 and the query heads
// 2 * (lane % 4) and the next of each eight; of v.p the head dims in place of keys.
template <typename T, int D, int EIGHTS>
struct DecodeState {
  static constexpr int STEPS = D / 16;
  unsigned q[STEPS][EIGHTS][2];
  float out[STEPS][EIGHTS][4];
  float maximum[EIGHTS][2];
  float sum[EIGHTS][2];

  __device__ void reset() {
#pragma unroll
    for (int e = 0; e < EIGHTS; e++) {
#pragma unroll
      for (int j = 0; j < 2; j++) {
        maximum[e][j] = -infinite();
        sum[e][j] = 0.f;
      }
#pragma unroll
      for (int step = 0; step < STEPS; step++)
#pragma unroll
        for (int i = 0; i < 4; i++) out[step][e][i] = 0.f;
    }
  }

  __device__ void loadQ(const T* from, int groupSize) {
    const int lane = threadIdx.x % WARP;
#pragma unroll
    for (int e = 0; e < EIGHTS; e++) {
      int head = e * 8 + lane / 4;
      const unsigned* words = reinterpret_cast<const unsigned*>(from + head * D) + lane % 4;
#pragma unroll
      for (int step = 0; step < STEPS; step++) {
        q[step][e][0] = head < groupSize ? words[step * 8] : 0;
        q[step][e][1] = head < groupSize ? words[step * 8 + 4] : 0;
      }
    }
  }

  // Takes in 16 keys: k and v are addresses of the warp's rows in a stage; keys from..to (of the 16)
  // are seen.
  __device__ __forceinline__ void attend(unsigned k, unsigned v, int from, int to, float scaleLog2) {
    const int lane = threadIdx.x % WARP;
    const bool partial = from > 0 || to < 15;
    float score[EIGHTS][4];
    scores(k, score);
    if (partial) {
#pragma unroll
      for (int e = 0; e < EIGHTS; e++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          int key = lane / 4 + (i >> 1) * 8;
          if (key < from || key > to) score[e][i] = -infinite();
        }
    }
    unsigned weights[EIGHTS][2];
    softmax(score, scaleLog2, weights);
    // A weight of zero does not silence a NaN in a slot that is not seen.
    unsigned mask[2] = {~0u, ~0u};
    if (partial) {
#pragma unroll
      for (int h = 0; h < 2; h++) {
        int key = lane % 4 * 2 + h * 8;
        mask[h] = (key >= from && key <= to ? 0xffffu : 0) | (key + 1 >= from && key + 1 <= to ? 0xffff0000u : 0);
      }
    }
    const int matrix = lane >> 3;
    const int row = (matrix >> 1) * 8 + (lane & 7);
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      unsigned a[4];
      int unit = step * 2 + (matrix & 1);
      loadMatrix4Transposed(a, v + (unit / 8 * DECODE_KEYS + row) * 128 + ((unit ^ lane) & 7) * 16);
      if (partial) {
        a[0] &= mask[0];
        a[1] &= mask[0];
        a[2] &= mask[1];
        a[3] &= mask[1];
      }
#pragma unroll
      for (int e = 0; e < EIGHTS; e++) multiply<T>(out[step][e], a, weights[e][0], weights[e][1]);
    }
  }

  __device__ __forceinline__ void scores(unsigned k, float (&score)[EIGHTS][4]) {
    const int lane = threadIdx.x % WARP;
    const int matrix = lane >> 3;
    const int row = (matrix & 1) * 8 + (lane & 7);
    float other[EIGHTS][4];
#pragma unroll
    for (int e = 0; e < EIGHTS; e++)
#pragma unroll
      for (int i = 0; i < 4; i++) score[e][i] = other[e][i] = 0.f;
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      unsigned a[4];
      int unit = step * 2 + (matrix >> 1);
      loadMatrix4(a, k + (unit / 8 * DECODE_KEYS + row) * 128 + ((unit ^ lane) & 7) * 16);
#pragma unroll
      for (int e = 0; e < EIGHTS; e++) {
        multiply<T>(step % 2 == 0 ? score[e] : other[e], a, q[step][e][0], q[step][e][1]);
      }
    }
#pragma unroll
    for (int e = 0; e < EIGHTS; e++)
#pragma unroll
      for (int i = 0; i < 4; i++) score[e][i] += other[e][i];
  }

  __device__ __forceinline__ void softmax(float (&score)[EIGHTS][4], float scaleLog2,
                                          unsigned (&weights)[EIGHTS][2]) {
#pragma unroll
    for (int e = 0; e < EIGHTS; e++) {
      float shrink[2];
#pragma unroll
      for (int j = 0; j < 2; j++) {
        float top = fmaxf(score[e][j], score[e][j + 2]);
#pragma unroll
        for (int step = 4; step < WARP; step *= 2) top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, step));
        top = fmaxf(maximum[e][j], top * scaleLog2);
        shrink[j] = fastExp2(maximum[e][j] - top);
        maximum[e][j] = top;
        score[e][j] = fastExp2(fmaf(score[e][j], scaleLog2, -top));
        score[e][j + 2] = fastExp2(fmaf(score[e][j + 2], scaleLog2, -top));
        sum[e][j] = fmaf(sum[e][j], shrink[j], score[e][j] + score[e][j + 2]);
      }
      if (__any_sync(ALL_LANES, shrink[0] != 1.f || shrink[1] != 1.f)) {
#pragma unroll
        for (int step = 0; step < STEPS; step++)
#pragma unroll
          for (int i = 0; i < 4; i++) out[step][e][i] *= shrink[i & 1];
      }
      weights[e][0] = transposeMatrix(pack<T>(score[e][0], score[e][1]));
      weights[e][1] = transposeMatrix(pack<T>(score[e][2], score[e][3]));
    }
  }

  // Leaves sums, maxima and sums of weights of this warp in shared memory.
  __device__ void leave(const DecodeStage<D>& stage, int warp) {
    constexpr int ROW = PartialLayout<D>::ROW;
    const int lane = threadIdx.x % WARP;
    const int groupSize = stage.groupSize;
#pragma unroll
    for (int e = 0; e < EIGHTS; e++)
#pragma unroll
      for (int j = 0; j < 2; j++) {
        float total = sum[e][j];
#pragma unroll
        for (int step = 4; step < WARP; step *= 2) total += __shfl_xor_sync(ALL_LANES, total, step);
        int head = e * 8 + lane % 4 * 2 + j;
        if (head >= groupSize) continue;
        if (lane < 4) stage.statistics()[warp * 16 + head] = make_float2(maximum[e][j], total);
        float* to = stage.sums() + (warp * groupSize + head) * ROW + lane / 4;
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
          to[step * 16] = out[step][e][j];
          to[step * 16 + 8] = out[step][e][j + 2];
        }
      }
  }
};

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

template <typename T, int D, int EIGHTS>
__device__ void consumeDecode(const DecodeArguments<T>& a, const DecodeStage<D>& stage, int* lastArrival) {
  const int warp = threadIdx.x / WARP;
  const int lane = threadIdx.x % WARP;
  const float scaleLog2 = a.scale * 1.44269504088896340736f;
  Turn<DecodeShape<D>::STAGES> turn;
  Turn<DecodeShape<D>::SEGMENTS> segmentTurn;
  DecodeState<T, D, EIGHTS> state;
  DecodeFinish<T, D> finish(a, stage, lastArrival);
  while (true) {
    awaitPhase(stage.fullSegment(segmentTurn.stage), segmentTurn.phase);
    const DecodeSegment s = *reinterpret_cast<DecodeSegment*>(stage.segment(segmentTurn.stage));
    if (s.blocks == 0) break;
    state.loadQ(stage.template q<T>(segmentTurn.stage), a.groupSize);
    __syncwarp();
    if (lane == 0) arrive(stage.emptySegment(segmentTurn.stage));
    segmentTurn.next();
    state.reset();
    for (int b = 0; b < s.blocks; b++, turn.next()) {
      awaitPhase(stage.full(turn.stage), turn.phase);
      int firstKey = (s.firstBlock + b) * DECODE_KEYS + warp * 16;
      if (firstKey <= s.position && firstKey + 15 >= s.firstVisible) {
        unsigned k = stage.stage(turn.stage) + warp * 16 * 128;
        state.attend(k, k + DecodeShape<D>::V_AT, s.firstVisible - firstKey, s.position - firstKey,
                     scaleLog2);
      }
      __syncwarp();
      if (lane == 0) arrive(stage.empty(turn.stage));
    }
    state.leave(stage, warp);
    finish.run(s);
  }
  finish.end();
}

template <typename T, int D, int EIGHTS>
__device__ __forceinline__ void decodeMma(const DecodeArguments<T>& a) {
  extern __shared__ unsigned char sharedBytes[];
  __shared__ int lastArrival;
  DecodeStage<D> stage(sharedBytes, a.groupSize);
  if (threadIdx.x == 0) stage.init();
  if (threadIdx.x < DecodeShape<D>::CONSUMER_THREADS) {
    __syncthreads();
    consumeDecode<T, D, EIGHTS>(a, stage, &lastArrival);
  } else {
    DecodeCursor<T> cursor(a, DecodeShape<D>::BLOCKS_PER_PROCESSOR);
    __syncthreads();
    produceDecode<T, D>(a, cursor, stage, (threadIdx.x - DecodeShape<D>::CONSUMER_THREADS) / WARP);
  }
}

}  // namespace tilekv
