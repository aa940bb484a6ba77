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
// Prefill attention for sm_90a, bf16 and fp16: tiles travel by bulk tensor copies, products are wgmma.
//
// A block is one producer warpgroup and two consumer warpgroups of 64 query rows each; it stays and
// takes every gridDim.x-th (work item, KV head). Warp 0 of the producer keeps a ring of stages of K
// and of V filled through the page table, its other warps bring q of the next item. Consumers
// multiply q.k of one block of keys while p.v of the block before is under way, as FlashAttention-3
// (Shah et al., 2024) does.
//
// Same work list and same arithmetic as prefill_mma.cuh, but keys come in larger blocks, so the bits
// differ from that kernel's.
#pragma once

#include "tilekv/attention/prefill.cuh"
#include "tilekv/hopper.cuh"

namespace tilekv {

template <int D>
struct WgmmaShape {
  static constexpr int CONSUMERS = 2;
  static constexpr int THREADS = (CONSUMERS + 1) * WARPGROUP;
  static constexpr int ROWS = CONSUMERS * 64;
  static constexpr int KEYS = D > 128 ? 64 : 128;
  static constexpr int STAGES = D == 64 ? 3 : 2;
  static constexpr int Q_STAGES = D > 128 ? 1 : 2;
  static constexpr int COLUMNS = D / 64;                  // columns of 64 elements, 128 bytes
  static constexpr int K_BYTES = KEYS * D * 2;            // [column][key][128 bytes]
  static constexpr int Q_BYTES = ROWS * D * 2;            // [column][row][128 bytes]
  static constexpr int V_AT = STAGES * K_BYTES;
  static constexpr int Q_AT = 2 * STAGES * K_BYTES;
  static constexpr int BARRIERS_AT = Q_AT + Q_STAGES * Q_BYTES;
  static constexpr int SHARED_BYTES = BARRIERS_AT + 128 + 1024;  // 1024 to align the start
  static constexpr int Q_LOADERS = WARPGROUP - WARP;
};

// Addresses of the barriers: `full` when a stage may be read, `empty` when it may be overwritten.
template <int D>
struct PrefillPipeline {
  using Shape = WgmmaShape<D>;
  unsigned base;

  __device__ unsigned k(int stage) const { return base + stage * Shape::K_BYTES; }
  __device__ unsigned v(int stage) const { return base + Shape::V_AT + stage * Shape::K_BYTES; }
  __device__ unsigned q(int stage) const { return base + Shape::Q_AT + stage * Shape::Q_BYTES; }
  __device__ unsigned barrier(int i) const { return base + Shape::BARRIERS_AT + 8 * i; }
  __device__ unsigned fullK(int stage) const { return barrier(stage); }
  __device__ unsigned fullV(int stage) const { return barrier(Shape::STAGES + stage); }
  __device__ unsigned emptyK(int stage) const { return barrier(2 * Shape::STAGES + stage); }
  __device__ unsigned emptyV(int stage) const { return barrier(3 * Shape::STAGES + stage); }
  __device__ unsigned fullQ(int stage) const { return barrier(4 * Shape::STAGES + stage); }
  __device__ unsigned emptyQ(int stage) const { return barrier(4 * Shape::STAGES + 2 + stage); }

  __device__ void init() const {
    constexpr int CONSUMER_WARPS = Shape::CONSUMERS * 4;
    for (int s = 0; s < Shape::STAGES; s++) {
      initBarrier(fullK(s), 1);
      initBarrier(fullV(s), 1);
      initBarrier(emptyK(s), CONSUMER_WARPS);
      initBarrier(emptyV(s), CONSUMER_WARPS);
    }
    for (int s = 0; s < 2; s++) {
      initBarrier(fullQ(s), Shape::Q_LOADERS);
      initBarrier(emptyQ(s), CONSUMER_WARPS);
    }
  }
};

// Key blocks that an item reads.
template <int D>
struct KeyBlocks {
  int firstKey;
  int lastKey;
  int begin;
  int end;  // the last one
  template <typename Block>
  __device__ KeyBlocks(const Block& block, int window)
      : firstKey(block.firstKey(window)),
        lastKey(block.lastPosition()),
        begin(firstKey / WgmmaShape<D>::KEYS),
        end(lastKey / WgmmaShape<D>::KEYS) {}
};

// Warp 0 of the producer. A box is one column of (part of) one tile; boxes without a page or without
// a key that anyone sees come from outside the tensor, that is, they are zeros.
template <typename Block, int D, typename Arguments>
__device__ void produceTiles(const Arguments& a, const void* map, int total,
                             const PrefillPipeline<D>& pipeline) {
  using Shape = WgmmaShape<D>;
  const int tileTokens = 1 << a.tileTokensLog2;
  const int boxRows = min(tileTokens, Shape::KEYS);
  const int boxes = Shape::KEYS / boxRows * Shape::COLUMNS;
  const int pageRows = a.tileElements / D;
  const int layerRow = static_cast<int>(partOffset(a.layer, 0, a.tileTokensLog2, 1));
  const int lane = threadIdx.x;
  // At most 32 boxes: the lane's part of the block of keys and its column.
  const int part = lane / Shape::COLUMNS;
  const int column = lane % Shape::COLUMNS;
  const unsigned offset = (column * Shape::KEYS + part * boxRows) * 128;
  Turn<Shape::STAGES> turn;
  for (int index = blockIdx.x; index < total; index += gridDim.x) {
    Block block(a, index);
    if (block.tokens <= 0) continue;
    KeyBlocks<D> keys(block, a.window);
    const int* pages = block.tiles(a, D).pages;
    for (int j = keys.begin; j <= keys.end; j++, turn.next()) {
      int position = j * Shape::KEYS + part * boxRows;
      bool seen = lane < boxes && position <= keys.lastKey && position + boxRows > keys.firstKey;
      int page = seen ? pages[tileOf(position, a.tileTokensLog2)] : NO_PAGE;
      int row = page * pageRows + layerRow + slotOf(position, a.tileTokensLog2);
      awaitPhase(pipeline.emptyK(turn.stage), turn.phase ^ 1);
      if (lane == 0) arriveExpecting(pipeline.fullK(turn.stage), Shape::K_BYTES);
      __syncwarp();
      if (lane < boxes) {
        copyBox(pipeline.k(turn.stage) + offset, map, column * 64, page < 0 ? -Shape::KEYS : row,
                pipeline.fullK(turn.stage));
      }
      awaitPhase(pipeline.emptyV(turn.stage), turn.phase ^ 1);
      if (lane == 0) arriveExpecting(pipeline.fullV(turn.stage), Shape::K_BYTES);
      __syncwarp();
      if (lane < boxes) {
        copyBox(pipeline.v(turn.stage) + offset, map, column * 64,
                page < 0 ? -Shape::KEYS : row + valueDistance(a.tileTokensLog2, 1), pipeline.fullV(turn.stage));
      }
      __syncwarp();
    }
  }
}

// Warps 1 to 3 of the producer. Rows past an item's tokens keep what was there: their results are
// dropped.
template <typename Block, typename T, int D, typename Arguments>
__device__ void produceQueries(const Arguments& a, int total,
                               const PrefillPipeline<D>& pipeline) {
  using Shape = WgmmaShape<D>;
  constexpr int UNITS = D / VECTOR;
  Turn<Shape::Q_STAGES> turn;
  for (int index = blockIdx.x; index < total; index += gridDim.x) {
    Block block(a, index);
    if (block.tokens <= 0) continue;
    awaitPhase(pipeline.emptyQ(turn.stage), turn.phase ^ 1);
    int units = block.tokens * a.groupSize * UNITS;
    for (int i = threadIdx.x - WARP; i < units; i += Shape::Q_LOADERS) {
      int row = i / UNITS;
      int unit = i % UNITS;
      const T* source = a.q + block.offset(a, row, a.qStride, D) + unit * VECTOR;
      unsigned target = pipeline.q(turn.stage) + (unit / 8 * Shape::ROWS + row) * 128 +
                        ((unit % 8) ^ (row % 8)) * 16;
      copyAsync16(target, source, true);
    }
    commitCopies();
    waitCopies<0>();
    fenceSharedForAsync();
    arrive(pipeline.fullQ(turn.stage));
    turn.next();
  }
}

// What a consumer thread holds of its two rows.
template <typename T, int D>
struct RowState {
  using Shape = WgmmaShape<D>;
  static constexpr int N = D > 128 ? 128 : D;  // columns of one product with v
  static constexpr int PARTS = D / N;
  float score[Shape::KEYS / 2];
  float out[PARTS][N / 2];
  unsigned weights[Shape::KEYS / 4];
  float maximum[2];
  float sum[2];
  float shrink[2];
  int seen[2];
  int firstSeen[2];

  template <typename Arguments, typename Block>
  __device__ void reset(const Arguments& a, const Block& block, const int (&row)[2]) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      maximum[h] = -infinite();
      sum[h] = 0.f;
      seen[h] = block.position + row[h] / a.groupSize;
      firstSeen[h] = firstVisible(seen[h], a.window);
    }
#pragma unroll
    for (int part = 0; part < PARTS; part++)
#pragma unroll
      for (int i = 0; i < N / 2; i++) out[part][i] = 0.f;
  }

  // Starts score = q.k of one stage.
  __device__ __forceinline__ void startScores(unsigned q, unsigned k) {
    fenceProducts();
#pragma unroll
    for (int step = 0; step < D / 16; step++) {
      unsigned inRow = step % 4 * 32;
      Warpgroup<T, Shape::KEYS>::multiplyScores(
          score, describe(q + step / 4 * (Shape::ROWS * 128) + inRow, 16),
          describe(k + step / 4 * (Shape::KEYS * 128) + inRow, 16), step > 0);
    }
    commitProducts();
  }

  // Starts out += weights.v of one stage.
  __device__ __forceinline__ void startValues(unsigned v) {
    fenceProducts();
#pragma unroll
    for (int step = 0; step < Shape::KEYS / 16; step++)
#pragma unroll
      for (int part = 0; part < PARTS; part++) {
        Warpgroup<T, N>::multiplyValues(
            out[part], &weights[4 * step],
            describe(v + part * (N / 64) * (Shape::KEYS * 128) + step * 16 * 128, Shape::KEYS * 128));
      }
    commitProducts();
  }

  __device__ __forceinline__ void pinOut() {
#pragma unroll
    for (int part = 0; part < PARTS; part++) pinResults(out[part]);
  }

  __device__ __forceinline__ void mask(int firstPosition) {
    int base = firstPosition + threadIdx.x % 4 * 2;
#pragma unroll
    for (int i = 0; i < Shape::KEYS / 2; i++) {
      int position = base + i / 4 * 8 + (i & 1);
      int h = i >> 1 & 1;
      if (position > seen[h] || position < firstSeen[h]) score[i] = -infinite();
    }
  }

  // Turns scores into weights relative to the new maximum.
  __device__ __forceinline__ void softmax(float scaleLog2) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      float top = maximum[h];
#pragma unroll
      for (int i = 2 * h; i < Shape::KEYS / 2; i += 4) top = fmaxf(top, fmaxf(score[i], score[i + 1]));
      top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 1));
      top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 2));
      bool none = top == -infinite();  // no key seen yet; see prefill_mma.cuh
      float shift = none ? 0.f : top * scaleLog2;
      shrink[h] = none ? 1.f : fastExp2((maximum[h] - top) * scaleLog2);
      maximum[h] = top;
      float part = 0.f;
#pragma unroll
      for (int i = 2 * h; i < Shape::KEYS / 2; i += 4) {
        score[i] = fastExp2(fmaf(score[i], scaleLog2, -shift));
        score[i + 1] = fastExp2(fmaf(score[i + 1], scaleLog2, -shift));
        part += score[i] + score[i + 1];
      }
      sum[h] = fmaf(sum[h], shrink[h], part);
    }
  }

  __device__ __forceinline__ void packWeights() {
#pragma unroll
    for (int i = 0; i < Shape::KEYS / 4; i++) weights[i] = pack<T>(score[2 * i], score[2 * i + 1]);
  }

  __device__ __forceinline__ void shrinkOut() {
#pragma unroll
    for (int part = 0; part < PARTS; part++)
#pragma unroll
      for (int i = 0; i < N / 2; i++) out[part][i] *= shrink[i >> 1 & 1];
  }

  // Sum of weights of this thread's row h.
  __device__ float total(int h) const {
    float all = sum[h];
    all += __shfl_xor_sync(ALL_LANES, all, 1);
    return all + __shfl_xor_sync(ALL_LANES, all, 2);
  }

  // Runs body(column, the values of two columns from there on) for row h.
  template <typename Body>
  __device__ __forceinline__ void forColumns(int h, Body body) const {
#pragma unroll
    for (int part = 0; part < PARTS; part++)
#pragma unroll
      for (int n = 0; n < N / 8; n++) {
        body(part * N + n * 8 + static_cast<int>(threadIdx.x) % 4 * 2, out[part][4 * n + 2 * h],
             out[part][4 * n + 2 * h + 1]);
      }
  }
};

template <typename T, int D>
__device__ void storeRows(const PrefillArguments<T>& a, const PrefillBlock& block,
                          const RowState<T, D>& state, const int (&row)[2]) {
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float inverse = 1.f / state.total(h);
    if (row[h] >= block.tokens * a.groupSize) continue;
    T* target = a.out + block.offset(a, row[h], a.outStride, D);
    state.forColumns(h, [&](int column, float first, float second) {
      *reinterpret_cast<unsigned*>(target + column) = pack<T>(first * inverse, second * inverse);
    });
  }
}

// Clears V of positions after the last key: a weight of zero does not silence a NaN left there.
template <int D>
__device__ void clearTail(unsigned v, int keep, int warpgroup) {
  using Shape = WgmmaShape<D>;
  for (int i = threadIdx.x % WARPGROUP; i < (Shape::KEYS - keep) * Shape::COLUMNS * 8; i += WARPGROUP) {
    int key = keep + i / (Shape::COLUMNS * 8);
    unsigned at = v + i / 8 % Shape::COLUMNS * (Shape::KEYS * 128) + key * 128 + i % 8 * 16;
    asm volatile("st.shared.v4.b32 [%0], {%1, %1, %1, %1};" ::"r"(at), "r"(0) : "memory");
  }
  fenceSharedForAsync();
  syncWarpgroup(1 + warpgroup);
}

// Consumers start their products one after the other, so that one computes weights while the
// other's products run.
__device__ __forceinline__ void awaitTurn(int warpgroup) {
  asm volatile("bar.sync %0, 256;" ::"r"(8 + warpgroup) : "memory");
}
__device__ __forceinline__ void passTurn(int warpgroup) {
  asm volatile("bar.arrive %0, 256;" ::"r"(8 + warpgroup) : "memory");
}

template <typename Block, typename T, int D, typename Arguments>
__device__ void consume(const Arguments& a, int total, const PrefillPipeline<D>& pipeline) {
  using Shape = WgmmaShape<D>;
  const int warpgroup = threadIdx.x / WARPGROUP - 1;
  const int lane = threadIdx.x % WARP;
  const float scaleLog2 = a.scale * 1.44269504088896340736f;
  int row[2];
  row[0] = warpgroup * 64 + threadIdx.x % WARPGROUP / WARP * 16 + lane / 4;
  row[1] = row[0] + 8;
  Turn<Shape::STAGES> k, v;
  Turn<Shape::Q_STAGES> qTurn;
  RowState<T, D> state;
  if (warpgroup == Shape::CONSUMERS - 1) passTurn(0);
  for (int index = blockIdx.x; index < total; index += gridDim.x) {
    Block block(a, index);
    if (block.tokens <= 0) continue;
    KeyBlocks<D> keys(block, a.window);
    const int lastFirstSeen = firstVisible(keys.lastKey, a.window);
    state.reset(a, block, row);
    awaitPhase(pipeline.fullQ(qTurn.stage), qTurn.phase);
    const unsigned q = pipeline.q(qTurn.stage) + warpgroup * 64 * 128;
    auto scores = [&] {
      awaitPhase(pipeline.fullK(k.stage), k.phase);
      state.startScores(q, pipeline.k(k.stage));
    };
    auto weights = [&](int j) {
      int first = j * Shape::KEYS;
      if (first + Shape::KEYS - 1 > block.position || first < lastFirstSeen) state.mask(first);
      state.softmax(scaleLog2);
    };
    auto release = [&](unsigned barrier) {
      if (lane == 0) arrive(barrier);
    };

    scores();
    waitProducts<0>();
    pinResults(state.score);
    release(pipeline.emptyK(k.stage));
    k.next();
    weights(keys.begin);
    state.packWeights();
    for (int j = keys.begin + 1; j <= keys.end; j++) {
      awaitTurn(warpgroup);
      scores();
      awaitPhase(pipeline.fullV(v.stage), v.phase);
      state.startValues(pipeline.v(v.stage));
      passTurn((warpgroup + 1) % Shape::CONSUMERS);
      waitProducts<1>();
      pinResults(state.score);
      release(pipeline.emptyK(k.stage));
      k.next();
      weights(j);
      waitProducts<0>();
      state.pinOut();
      release(pipeline.emptyV(v.stage));
      v.next();
      state.shrinkOut();
      state.packWeights();
    }
    release(pipeline.emptyQ(qTurn.stage));
    qTurn.next();
    awaitPhase(pipeline.fullV(v.stage), v.phase);
    int keep = keys.lastKey - keys.end * Shape::KEYS + 1;
    if (keep < Shape::KEYS) clearTail<D>(pipeline.v(v.stage), keep, warpgroup);
    state.startValues(pipeline.v(v.stage));
    waitProducts<0>();
    state.pinOut();
    release(pipeline.emptyV(v.stage));
    v.next();
    storeRows(a, block, state, row);
  }
  if (warpgroup == 0) awaitTurn(0);
}

// The whole kernel, for `items` entries of the work list.
template <typename Block, typename T, int D, typename Arguments>
__device__ __forceinline__ void attendWgmma(const Arguments& a, const void* map, int items) {
  extern __shared__ unsigned char sharedBytes[];
  PrefillPipeline<D> pipeline{(sharedAddress(sharedBytes) + 1023) & ~1023u};
  const int total = items * a.kvHeads;
  if (threadIdx.x == 0) pipeline.init();
  fenceSharedForAsync();
  __syncthreads();
  if (threadIdx.x < WARPGROUP) {
    shrinkRegisters<56>();
    if (threadIdx.x < WARP) {
      produceTiles<Block, D>(a, map, total, pipeline);
    } else {
      produceQueries<Block, T, D>(a, total, pipeline);
    }
  } else {
    growRegisters<224>();
    consume<Block, T, D>(a, total, pipeline);
  }
}

template <typename T, int D>
__device__ __forceinline__ void prefillWgmma(const PrefillArguments<T>& a, const void* map, int items) {
  attendWgmma<PrefillBlock, T, D>(a, map, items);
}

}  // namespace tilekv
