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
// Where K and V of one layer and one KV head are: tiles behind the page table.
//
// A page is `[layer][K,V][tileTokens][headDim]` of one KV head; the page table is
// `[row][kvHead][maxTiles] -> page`, with -1 for none.
#pragma once

namespace tilekv {

constexpr int NO_PAGE = -1;

template <typename T>
struct TileRow {
  T* layerBase;          // pool, moved to this layer's K of page 0
  const int* pages;      // page table of (row, KV head)
  long long tileStride;  // elements of a page
  int tileTokensLog2;
  int headDim;

  __device__ TileRow(T* pool, const int* pageTable, long long rowHead, int maxTiles,
                     int tileElements, int layer, int tileTokensLog2, int headDim)
      : layerBase(pool + (static_cast<long long>(2 * layer) << tileTokensLog2) * headDim),
        pages(pageTable + rowHead * maxTiles),
        tileStride(tileElements),
        tileTokensLog2(tileTokensLog2),
        headDim(headDim) {}

  __device__ int page(int position) const { return pages[position >> tileTokensLog2]; }

  // K of a position; V lies valueOffset() elements behind.
  __device__ T* key(int page, int position) const {
    int slot = position & ((1 << tileTokensLog2) - 1);
    return layerBase + page * tileStride + slot * headDim;
  }

  __device__ int valueOffset() const { return headDim << tileTokensLog2; }
};

}  // namespace tilekv
