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
// What the kernels of prefill attention share: their arguments, the work list, the tokens of a block.
//
// A block works on the query rows of one work item and one KV head. The query heads of the group are
// stacked with the tokens, token major: row r is token r / groupSize, head r % groupSize of the
// group. So each K and V element is read once for the whole group.
//
// The bits of a row depend on its q, its position and the row's K and V alone. Keys are taken in
// blocks that start at multiples of the block size, counted from position 0; keys that a row does
// not see leave its running maximum, sum and output exactly as they are. Neither the chunk a token
// came in, nor the other segments, nor blocks skipped because no row sees them make a difference.
#pragma once

#include "tilekv/numeric.cuh"
#include "tilekv/tiles.cuh"

namespace tilekv {

// Arguments common to all prefill kernels; README.md explains each.
template <typename T>
struct PrefillArguments {
  const T* q;
  T* out;
  T* pool;
  const int* pageTable;
  const int4* work;
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
};

// First position that a token at `position` sees; window 0 means all.
__device__ __forceinline__ int firstVisible(int position, int window) {
  return window == 0 ? 0 : max(0, position - window + 1);
}

// Consecutive tokens of one segment, as many as fit into a block, and a KV head: entry
// `index / kvHeads` of the work list is {page-table row, position of the first token, its index in
// the step, tokens}.
struct PrefillBlock {
  int head;
  int row;
  int position;
  int token;
  int tokens;

  template <typename T>
  __device__ PrefillBlock(const PrefillArguments<T>& a, int index) : head(index % a.kvHeads) {
    int4 item = a.work[index / a.kvHeads];
    row = item.x;
    position = item.y;
    token = item.z;
    tokens = item.w;
  }

  __device__ int lastPosition() const { return position + tokens - 1; }
  // First key that any of its tokens sees.
  __device__ int firstKey(int window) const { return firstVisible(position, window); }

  // Element of q or out where query row r begins.
  template <typename T>
  __device__ long long offset(const PrefillArguments<T>& a, int r, int stride, int headDim) const {
    return static_cast<long long>(token + r / a.groupSize) * stride +
           (head * a.groupSize + r % a.groupSize) * headDim;
  }

  template <typename T>
  __device__ TileRow<T> tiles(const PrefillArguments<T>& a, int headDim) const {
    return TileRow<T>(a.pool, a.pageTable, static_cast<long long>(row) * a.kvHeads + head,
                      a.maxTiles, a.tileElements, a.layer, a.tileTokensLog2, headDim);
  }
};

}  // namespace tilekv
