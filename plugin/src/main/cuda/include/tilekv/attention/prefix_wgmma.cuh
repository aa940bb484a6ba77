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
// Attention of many rows to a prefix that they share, for sm_90a: the rows' query heads are stacked as the
// tokens of a prompt are in prefill, so that K and V are read once for all of them ("cascade inference",
// Ye et al., 2024; "hydragen", Juravsky et al., 2024). Leaves partial results, which decode attention
// puts together with those of the keys that a row has for itself.
#pragma once

#include "tilekv/attention/decode.cuh"
#include "tilekv/attention/prefill_wgmma.cuh"

namespace tilekv {

// As in PrefillArguments, with partial results in place of an output. `work` has two entries an item:
// {page-table row of one of the sharers, first key, key behind the last, number of the part}, {first
// sharer in `members`, sharers, 0, 0}. Keys begin and end at multiples of WgmmaShape<D>::KEYS.
template <typename T>
struct PrefixArguments : PrefillArguments<T> {
  const int* members;  // tokens of the step
  float* partials;     // [part][token of the step][query head][PartialLayout<D>::ROW]
  int tokens;          // of the step
};

struct PrefixBlock {
  int head;
  int row;
  int first;
  int position;  // the last key, which every query row sees
  int part;
  int token;     // index of the first sharer
  int tokens;

  template <typename T>
  __device__ PrefixBlock(const PrefixArguments<T>& a, int index) : head(index % a.kvHeads) {
    int4 keys = a.work[index / a.kvHeads * 2];
    int4 sharers = a.work[index / a.kvHeads * 2 + 1];
    row = keys.x;
    first = keys.y;
    position = keys.z - 1;
    part = keys.w;
    token = sharers.x;
    tokens = sharers.y;
  }

  __device__ int lastPosition() const { return position; }
  __device__ int firstKey(int) const { return first; }

  template <typename T>
  __device__ long long offset(const PrefixArguments<T>& a, int r, int stride, int headDim) const {
    return static_cast<long long>(a.members[token + r / a.groupSize]) * stride +
           (head * a.groupSize + r % a.groupSize) * headDim;
  }

  template <typename T>
  __device__ TileRow<T> tiles(const PrefixArguments<T>& a, int headDim) const {
    return TileRow<T>(a.pool, a.pageTable, static_cast<long long>(row) * a.kvHeads + head,
                      a.maxTiles, a.tileElements, a.layer, a.tileTokensLog2, headDim);
  }
};

template <typename T, int D>
__device__ void storeRows(const PrefixArguments<T>& a, const PrefixBlock& block,
                          const RowState<T, D>& state, const int (&row)[2]) {
  using Layout = PartialLayout<D>;
  const float scaleLog2 = a.scale * 1.44269504088896340736f;
  const int queryHeads = a.kvHeads * a.groupSize;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    float total = state.total(h);
    if (row[h] >= block.tokens * a.groupSize) continue;
    long long token = static_cast<long long>(block.part) * a.tokens + a.members[block.token + row[h] / a.groupSize];
    float* target = a.partials + (token * queryHeads + block.head * a.groupSize + row[h] % a.groupSize) * Layout::ROW;
    state.forColumns(h, [&](int column, float first, float second) {
      *reinterpret_cast<float2*>(target + column) = make_float2(first, second);
    });
    if (threadIdx.x % 4 == 0) {
      *reinterpret_cast<float2*>(target + Layout::MAXIMUM) = make_float2(state.maximum[h] * scaleLog2, total);
    }
  }
}

template <typename T, int D>
__device__ __forceinline__ void prefixWgmma(const PrefixArguments<T>& a, const void* map, int items) {
  attendWgmma<PrefixBlock, T, D>(a, map, items);
}

}  // namespace tilekv
