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
// Prefill attention on tensor cores with mma.sync (sm_80 and later), bf16 and fp16.
//
// One block: 4 warps, 64 query rows, 16 rows each. K and V come in blocks of `keys` positions,
// gathered through the page table with cp.async into two stages of shared memory, so that the next
// block travels while this one is computed. Online softmax with a running maximum as in
// Milakov and Gimelshein (2018) and FlashAttention-2 (Dao, 2023): scores stay in registers, and the
// accumulators of q.k are the operands of p.v as they are.
#pragma once

#include "tilekv/attention/prefill.cuh"
#include "tilekv/mma.cuh"

namespace tilekv {

template <int D>
struct MmaShape {
  static constexpr int WARPS = 4;
  static constexpr int THREADS = WARPS * WARP;
  static constexpr int ROWS = WARPS * 16;
  static constexpr int KEYS = D > 128 ? 32 : 64;
  // An odd number of 16-byte units per row: eight rows of a matrix lie in different banks.
  static constexpr int PITCH = D + 8;
  static constexpr int STAGE = KEYS * PITCH;  // elements of one stage of K, and of V
  static constexpr bool Q_IN_REGISTERS = D <= 128;
  static constexpr int SHARED_ELEMENTS = 4 * STAGE + (Q_IN_REGISTERS ? 0 : ROWS * PITCH);
  static constexpr int SHARED_BYTES = 2 * SHARED_ELEMENTS;
};

// Starts the copies of K and V of positions [first, first + KEYS) into one stage. Positions before
// `from` or after `to`, and those without a page, become zeros: what the pool holds there may be
// NaN, which a weight of zero would not silence.
template <typename T, int D>
__device__ __forceinline__ void gatherStage(T* stage, const TileRow<T>& tiles, int first, int from,
                                            int to) {
  using Shape = MmaShape<D>;
  constexpr int UNITS = D / VECTOR;
  constexpr int ALL = Shape::KEYS * UNITS;
  unsigned k = sharedAddress(stage);
  constexpr unsigned V_BYTES = 2 * Shape::STAGE * sizeof(T);
#pragma unroll
  for (int i = 0; i < (ALL + Shape::THREADS - 1) / Shape::THREADS; i++) {
    int unit = i * Shape::THREADS + threadIdx.x;
    if (ALL % Shape::THREADS != 0 && unit >= ALL) break;
    int key = unit / UNITS;
    int column = unit % UNITS * VECTOR;
    int position = first + key;
    bool wanted = position >= from && position <= to;
    int page = wanted ? tiles.page(position) : NO_PAGE;
    bool present = page >= 0;
    const T* source = tiles.key(present ? page : 0, position) + column;
    unsigned target = k + (key * Shape::PITCH + column) * sizeof(T);
    copyAsync16(target, source, present);
    copyAsync16(target + V_BYTES, source + tiles.valueOffset(), present);
  }
}

// Fragments of q: 16 rows of this warp, all of D. Rows past the block's tokens are zeros.
template <typename T, int D>
struct QueryFragments {
  unsigned at[MmaShape<D>::Q_IN_REGISTERS ? D / 16 : 1][4];
  unsigned shared;

  __device__ void load(const PrefillArguments<T>& a, const PrefillBlock& block, T* buffer) {
    int lane = threadIdx.x % WARP;
    int top = threadIdx.x / WARP * 16 + lane / 4;
    int rows = block.tokens * a.groupSize;
    const T* upper = a.q + block.offset(a, min(top, rows - 1), a.qStride, D);
    const T* lower = a.q + block.offset(a, min(top + 8, rows - 1), a.qStride, D);
    int column = lane % 4 * 2;
#pragma unroll
    for (int step = 0; step < D / 16; step++) {
      unsigned r[4];
      r[0] = top < rows ? word(upper + step * 16 + column) : 0;
      r[1] = top + 8 < rows ? word(lower + step * 16 + column) : 0;
      r[2] = top < rows ? word(upper + step * 16 + column + 8) : 0;
      r[3] = top + 8 < rows ? word(lower + step * 16 + column + 8) : 0;
      keep(step, r, buffer, top, column);
    }
    shared = sharedAddress(buffer) +
             ((threadIdx.x / WARP * 16 + lane % 16) * MmaShape<D>::PITCH + lane / 16 * 8) * 2;
    __syncwarp();
  }

  // For wide heads the registers do not suffice: the warp's rows wait in shared memory.
  __device__ void keep(int step, const unsigned (&r)[4], T* buffer, int top, int column) {
    if constexpr (MmaShape<D>::Q_IN_REGISTERS) {
#pragma unroll
      for (int i = 0; i < 4; i++) at[step][i] = r[i];
    } else {
      T* upper = buffer + top * MmaShape<D>::PITCH + step * 16 + column;
      T* lower = upper + 8 * MmaShape<D>::PITCH;
      *reinterpret_cast<unsigned*>(upper) = r[0];
      *reinterpret_cast<unsigned*>(lower) = r[1];
      *reinterpret_cast<unsigned*>(upper + 8) = r[2];
      *reinterpret_cast<unsigned*>(lower + 8) = r[3];
    }
  }

  __device__ __forceinline__ void get(int step, unsigned (&r)[4]) const {
    if constexpr (MmaShape<D>::Q_IN_REGISTERS) {
#pragma unroll
      for (int i = 0; i < 4; i++) r[i] = at[step][i];
    } else {
      loadMatrix4(r, shared + step * 32);
    }
  }

  static __device__ unsigned word(const T* p) { return *reinterpret_cast<const unsigned*>(p); }
};

template <typename T, int D>
__device__ void prefillMma(const PrefillArguments<T>& a) {
  using Shape = MmaShape<D>;
  constexpr int KEYS = Shape::KEYS;
  extern __shared__ __align__(16) unsigned char sharedBytes[];
  T* shared = reinterpret_cast<T*>(sharedBytes);  // [K, V][stage][KEYS][PITCH], then q

  PrefillBlock block(a, blockIdx.x);
  if (block.tokens <= 0) return;
  TileRow<T> tiles = block.tiles(a, D);
  int lane = threadIdx.x % WARP;
  int lastKey = block.lastPosition();
  int firstKey = firstVisible(block.position, a.window);
  int begin = firstKey / KEYS;
  int end = lastKey / KEYS;

  gatherStage<T, D>(shared, tiles, begin * KEYS, firstKey, lastKey);
  commitCopies();
  QueryFragments<T, D> query;
  query.load(a, block, shared + 4 * Shape::STAGE);

  // The two rows of this lane.
  int row[2] = {static_cast<int>(threadIdx.x) / WARP * 16 + lane / 4, 0};
  row[1] = row[0] + 8;
  int seen[2], firstSeen[2];
#pragma unroll
  for (int h = 0; h < 2; h++) {
    seen[h] = block.position + row[h] / a.groupSize;
    firstSeen[h] = firstVisible(seen[h], a.window);
  }
  float maximum[2] = {-infinite(), -infinite()};
  float sum[2] = {0.f, 0.f};
  float out[D / 8][4];
#pragma unroll
  for (int n = 0; n < D / 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) out[n][i] = 0.f;

  const float scaleLog2 = a.scale * 1.44269504088896340736f;
  const unsigned kLane = (((lane & 7) + (lane >> 4) * 8) * Shape::PITCH + (lane >> 3 & 1) * 8) * 2;
  const unsigned vLane = ((lane & 15) * Shape::PITCH + (lane >> 4) * 8) * 2;

  for (int j = begin; j <= end; j++) {
    waitCopies<0>();
    __syncthreads();  // this stage is complete, the other one is no longer read
    T* stage = shared + (j - begin) % 2 * Shape::STAGE;
    if (j < end) {
      T* next = shared + (j + 1 - begin) % 2 * Shape::STAGE;
      gatherStage<T, D>(next, tiles, (j + 1) * KEYS, firstKey, lastKey);
      commitCopies();
    }

    float score[KEYS / 8][4];
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) score[n][i] = 0.f;
    unsigned k = sharedAddress(stage) + kLane;
#pragma unroll
    for (int step = 0; step < D / 16; step++) {
      unsigned qa[4];
      query.get(step, qa);
#pragma unroll
      for (int n = 0; n < KEYS / 16; n++) {
        unsigned kb[4];
        loadMatrix4(kb, k + (n * 16 * Shape::PITCH + step * 16) * 2);
        multiply<T>(score[2 * n], qa, kb[0], kb[1]);
        multiply<T>(score[2 * n + 1], qa, kb[2], kb[3]);
      }
    }

    int base = j * KEYS + lane % 4 * 2;
    bool partial = j * KEYS + KEYS - 1 > block.position ||
                   j * KEYS < firstVisible(lastKey, a.window);
    if (partial) {
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          int position = base + n * 8 + (i & 1);
          int h = i >> 1;
          if (position > seen[h] || position < firstSeen[h]) score[n][i] = -infinite();
        }
    }

#pragma unroll
    for (int h = 0; h < 2; h++) {
      float top = maximum[h];
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++) top = fmaxf(top, fmaxf(score[n][2 * h], score[n][2 * h + 1]));
      top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 1));
      top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 2));
      // A row that has seen no key yet: any finite shift keeps inf - inf away. Where the maximum
      // stays, shrink is exactly 1.
      bool none = top == -infinite();
      float shift = none ? 0.f : top * scaleLog2;
      float shrink = none ? 1.f : fastExp2((maximum[h] - top) * scaleLog2);
      maximum[h] = top;
      float part = 0.f;
#pragma unroll
      for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 2 * h; i < 2 * h + 2; i++) {
          score[n][i] = fastExp2(fmaf(score[n][i], scaleLog2, -shift));
          part += score[n][i];
        }
      sum[h] = fmaf(sum[h], shrink, part);
#pragma unroll
      for (int n = 0; n < D / 8; n++) {
        out[n][2 * h] *= shrink;
        out[n][2 * h + 1] *= shrink;
      }
    }

    unsigned v = sharedAddress(stage + 2 * Shape::STAGE) + vLane;
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++) {
      unsigned pa[4] = {pack<T>(score[2 * step][0], score[2 * step][1]),
                        pack<T>(score[2 * step][2], score[2 * step][3]),
                        pack<T>(score[2 * step + 1][0], score[2 * step + 1][1]),
                        pack<T>(score[2 * step + 1][2], score[2 * step + 1][3])};
#pragma unroll
      for (int n = 0; n < D / 16; n++) {
        unsigned vb[4];
        loadMatrix4Transposed(vb, v + (step * 16 * Shape::PITCH + n * 16) * 2);
        multiply<T>(out[2 * n], pa, vb[0], vb[1]);
        multiply<T>(out[2 * n + 1], pa, vb[2], vb[3]);
      }
    }
  }

#pragma unroll
  for (int h = 0; h < 2; h++) {
    float total = sum[h];
    total += __shfl_xor_sync(ALL_LANES, total, 1);
    total += __shfl_xor_sync(ALL_LANES, total, 2);
    if (row[h] >= block.tokens * a.groupSize) continue;
    float inverse = 1.f / total;
    T* target = a.out + block.offset(a, row[h], a.outStride, D) + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < D / 8; n++) {
      *reinterpret_cast<unsigned*>(target + n * 8) =
          pack<T>(out[n][2 * h] * inverse, out[n][2 * h + 1] * inverse);
    }
  }
}

}  // namespace tilekv
