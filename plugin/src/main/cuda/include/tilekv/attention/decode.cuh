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
// Decode attention: one query token per row. What the kernel is given, and how its work is shared out.
//
// A task is a (row, KV head); the keys that it reads come in blocks of 64. The blocks of all tasks, one
// task after the other, are cut into as many ranges of the same size as there are thread blocks. A task
// that lies in several ranges is put together by the thread block that ends last, in the order of its
// keys: results are the same in every run of the same step ("stream-K", Osama et al., 2023; "flash
// decoding", Dao et al., 2023). Ranges that idle thread blocks took as they got done were slower: each
// is one more segment to put together.
#pragma once

#include "tilekv/numeric.cuh"
#include "tilekv/tiles.cuh"

namespace tilekv {

constexpr int DECODE_KEYS_LOG2 = 6;
constexpr int DECODE_KEYS = 1 << DECODE_KEYS_LOG2;  // of a block

// Arguments of all decode kernels; README.md explains each.
template <typename T>
struct DecodeArguments {
  const T* q;
  T* out;
  const T* pool;
  const int* pageTable;
  const int4* rows;
  int rowCount;
  float* partials;
  int* arrivals;
  const float* prefix;
  int prefixTokens;
  int kvHeads;
  int groupSize;
  int maxTiles;
  int tileTokensLog2;
  int tileElements;
  int layer;
  int window;
  float scale;
  int qStride;
  int outStride;

  __device__ int queryHeads() const { return kvHeads * groupSize; }
};

// Consecutive blocks of keys of one task that one thread block reads.
struct DecodeSegment {
  int blocks;
  int firstBlock;   // in blocks from position 0
  int position;     // of the query token, the last key that it sees
  int firstVisible;
  int token;
  int head;
  int task;
  int slot;         // of its partial result
  int firstRange;   // ranges that share the task
  int ranges;
  int prefixParts;  // partial results of a shared prefix
  int row;          // of the page table
};

// How the blocks of a step are shared out: thread block i reads those from start(i) to start(i + 1).
struct DecodeRanges {
  static constexpr int LEAST_BLOCKS = 4;  // of a range, where there are more ranges than processors

  int total;
  int count;

  __device__ DecodeRanges(int total, int blocksPerProcessor) : total(total) {
    int grid = gridDim.x;
    count = max(1, min(min(grid, total), max(grid / blocksPerProcessor, total / LEAST_BLOCKS)));
  }

  __device__ int start(int range) const {
    return range >= count ? total : static_cast<int>(static_cast<long long>(range) * total / count);
  }
  __device__ int rangeOf(int block) const {
    return static_cast<int>(((block + 1ll) * count - 1) / total);
  }
};

// Cuts the thread block's range into segments; used by a whole warp.
template <typename T>
struct DecodeCursor {
  const DecodeArguments<T>& a;
  int4 held;      // rows[heldFrom + lane]
  int heldFrom = 0;
  DecodeRanges ranges;
  int at;
  int end;
  int row = 0;

  __device__ DecodeCursor(const DecodeArguments<T>& a, int blocksPerProcessor)
      : a(a),
        held(load(0)),
        ranges(__ldg(&a.rows[a.rowCount].w) * a.kvHeads, blocksPerProcessor),
        at(ranges.start(blockIdx.x)),
        end(ranges.start(blockIdx.x + 1)) {}

  __device__ int4 load(int from) const {
    return __ldg(&a.rows[min(from + static_cast<int>(threadIdx.x) % WARP, a.rowCount)]);
  }

  // Moves to the row that holds block `at`; rows are read 31 at a time, each with the start of the next.
  __device__ void seekRow() {
    while (true) {
      row = heldFrom + __popc(__ballot_sync(ALL_LANES, held.w * a.kvHeads <= at)) - 1;
      if (row < heldFrom + WARP - 1) return;
      heldFrom += WARP - 1;
      held = load(heldFrom);
    }
  }

  // blocks is 0 where there is no more.
  __device__ DecodeSegment next() {
    DecodeSegment s;
    s.blocks = 0;
    if (at >= end) return s;
    seekRow();
    int lane = row - heldFrom;
    int first = __shfl_sync(ALL_LANES, held.w, lane);
    int perHead = __shfl_sync(ALL_LANES, held.w, lane + 1) - first;
    int keys = __shfl_sync(ALL_LANES, held.z, lane);
    s.row = __shfl_sync(ALL_LANES, held.x, lane);
    s.position = __shfl_sync(ALL_LANES, held.y, lane);
    int before = first * a.kvHeads;
    s.head = (at - before) / perHead;
    int taskStart = before + s.head * perHead;
    int done = at - taskStart;
    s.blocks = min(perHead - done, end - at);
    s.firstBlock = (keys & 0xffffff) + done;
    s.prefixParts = keys >> 24;
    s.firstVisible = a.window == 0 ? 0 : max(0, s.position - a.window + 1);
    s.token = row;
    s.task = row * a.kvHeads + s.head;
    s.slot = 2 * blockIdx.x + (done == 0 ? 1 : 0);
    s.firstRange = ranges.rangeOf(taskStart);
    s.ranges = ranges.rangeOf(taskStart + perHead - 1) - s.firstRange + 1;
    at += s.blocks;
    return s;
  }
};

// Partial results of one task or of a shared prefix: per query head headDim sums, the maximum (in
// powers of two) that they are relative to, and the sum of weights.
template <int D>
struct PartialLayout {
  static constexpr int ROW = D + 4;
  static constexpr int MAXIMUM = D;  // the sum of weights lies behind it
};

}  // namespace tilekv
