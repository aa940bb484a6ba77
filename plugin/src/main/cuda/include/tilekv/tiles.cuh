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
// Where K and V of one row, one KV head and one layer are: the tiles of kv_tile_cache.cuh as our own
// kernels walk along them, without its checks.
#pragma once

#include "tilekv/kv_tile_cache.cuh"

namespace tilekv {

template <typename T>
struct TileRow {
  T* layerBase;          // pool, moved to this layer's K of page 0
  const int* pages;      // page table of (row, KV head)
  long long tileStride;  // elements of a page
  int tileTokensLog2;
  int headDim;

  __device__ TileRow(T* pool, const int* pageTable, long long rowHead, int maxTiles,
                     int tileElements, int layer, int tileTokensLog2, int headDim)
      : layerBase(pool + partOffset(layer, 0, tileTokensLog2, headDim)),
        pages(pageTable + tableLine(rowHead, maxTiles)),
        tileStride(tileElements),
        tileTokensLog2(tileTokensLog2),
        headDim(headDim) {}

  __device__ int page(int position) const { return pages[tileOf(position, tileTokensLog2)]; }

  // K of a position; V lies valueOffset() elements behind.
  __device__ T* key(int page, int position) const {
    return layerBase + page * tileStride + slotOf(position, tileTokensLog2) * headDim;
  }

  __device__ int valueOffset() const { return valueDistance(tileTokensLog2, headDim); }
};

}  // namespace tilekv
