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

#include "tilekv/attention/decode_merge.cuh"
#include "tilekv/attention/decode_produce.cuh"

namespace tilekv {

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

template <typename T, int D, int EIGHTS>
__device__ void consumeDecode(const DecodeArguments<T>& a, const DecodeStage<D>& stage, int* lastArrival) {
  const int warp = threadIdx.x / WARP;
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
    arriveAsWarp(stage.emptySegment(segmentTurn.stage));
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
      arriveAsWarp(stage.empty(turn.stage));
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
