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
// A tile cache on the device, as any kernel reads and writes it.
//
//   #include "tilekv/kv_tile_cache.cuh"
//
//   extern "C" __global__ void user_kernel(tilekv::KvTileCache<__half> cache, int layer, ...) {
//     auto here = cache.at_layer(layer);
//     const __half* keys = here.get(beam, head, tile, 'k');      // [tile_tokens()][head_dim()]
//     __half* values = here.get_write_ptr(beam, head, tile, 'v');
//     if (keys == nullptr || values == nullptr) return;          // the tile has no page
//
// Compiles with nvcc and with NVRTC and includes nothing. The host passes the struct by value:
// org.tilekv.attention.CudaKvMemory.kernelHandle() has its bytes.
//
// A page is `[layer][K,V][tileTokens][headDim]` of one KV head; for INT8 float32 scales follow,
// `[layer][K,V][tileTokens]`. The page table is int32 `[beam][head][maxTiles] -> page`, -1 for none.
// org.tilekv.TileGeometry says the same on the host. Our own kernels take their offsets from here.
#pragma once

namespace tilekv {

constexpr int NO_PAGE = -1;

// Elements from the start of a page to K (part 0) or V (part 1) of a layer.
__host__ __device__ __forceinline__ long long partOffset(int layer, int part, int tileTokensLog2,
                                                         int headDim) {
  return (static_cast<long long>(2 * layer + part) << tileTokensLog2) * headDim;
}

// Elements from K to V of the same layer and slot.
__host__ __device__ __forceinline__ int valueDistance(int tileTokensLog2, int headDim) {
  return headDim << tileTokensLog2;
}

__host__ __device__ __forceinline__ int tileOf(int position, int tileTokensLog2) {
  return position >> tileTokensLog2;
}

__host__ __device__ __forceinline__ int slotOf(int position, int tileTokensLog2) {
  return position & ((1 << tileTokensLog2) - 1);
}

// Where the tiles of a beam and head begin in the page table; rowHead is beam * heads + head.
__host__ __device__ __forceinline__ long long tableLine(long long rowHead, int maxTiles) {
  return rowHead * maxTiles;
}

// T is the type that tiles hold: float, __half, __nv_bfloat16, or signed char for INT8. Copied by
// value. What a kernel wrote is seen by kernels behind it in the stream, and what the host assigned
// by those launched after its next sync.
template <typename T>
struct KvTileCache {
  T* pool;                // page 0
  const int* page_table;  // [beams][heads][max_tiles]
  long long page_stride;  // elements from a page to the next
  int beams;
  int heads;  // KV heads
  int max_tiles;
  int layers;
  int tile_tokens_log2;
  int head_dimension;
  int layer;          // that get and get_write_ptr are for
  int element_bytes;  // of the type that tiles hold, to compare with sizeof(T)

  // The same cache for another layer, 0 to layers - 1.
  __host__ __device__ KvTileCache at_layer(int other) const {
    KvTileCache copy = *this;
    copy.layer = other;
    return copy;
  }

  __host__ __device__ int tile_tokens() const { return 1 << tile_tokens_log2; }
  __host__ __device__ int head_dim() const { return head_dimension; }
  __host__ __device__ int tile_of(int position) const { return tileOf(position, tile_tokens_log2); }
  __host__ __device__ int slot_of(int position) const { return slotOf(position, tile_tokens_log2); }

  // Elements from a slot to the next, from K to V of one layer, from a layer to the next.
  __host__ __device__ int slot_stride() const { return head_dimension; }
  __host__ __device__ int value_stride() const {
    return valueDistance(tile_tokens_log2, head_dimension);
  }
  __host__ __device__ int layer_stride() const { return 2 * value_stride(); }

  // Page of a tile; NO_PAGE where it has none and where there is no such tile.
  __device__ int page(int beam, int head, int tile) const {
    bool inside = static_cast<unsigned>(beam) < static_cast<unsigned>(beams) &&
                  static_cast<unsigned>(head) < static_cast<unsigned>(heads) &&
                  static_cast<unsigned>(tile) < static_cast<unsigned>(max_tiles);
    if (!inside) return NO_PAGE;
    return page_table[tableLine(static_cast<long long>(beam) * heads + head, max_tiles) + tile];
  }

  // K ('k') or V ('v') of a tile in this layer, [tile_tokens()][head_dim()]; nullptr where the tile
  // has no page.
  __device__ const T* get(int beam, int head, int tile, char kind) const {
    return part(beam, head, tile, kind);
  }

  // The same for writing. The host has reserved the page, and no other tile shares it.
  __device__ T* get_write_ptr(int beam, int head, int tile, char kind) const {
    return part(beam, head, tile, kind);
  }

  // K or V of one position, [head_dim()]; nullptr where its tile has no page.
  __device__ const T* get_position(int beam, int head, int position, char kind) const {
    const T* tile = part(beam, head, tile_of(position), kind);
    return tile == nullptr ? nullptr : tile + slot_of(position) * slot_stride();
  }

  // INT8: the scale of each slot of a tile's K or V in this layer, [tile_tokens()].
  __device__ float* scales(int beam, int head, int tile, char kind) const {
    int found = page(beam, head, tile);
    if (found == NO_PAGE) return nullptr;
    T* end = pool + found * page_stride + partOffset(layers, 0, tile_tokens_log2, head_dimension);
    return reinterpret_cast<float*>(end) +
           partOffset(layer, kind == 'v' ? 1 : 0, tile_tokens_log2, 1);
  }

  __device__ T* part(int beam, int head, int tile, char kind) const {
    int found = page(beam, head, tile);
    if (found == NO_PAGE) return nullptr;
    return pool + found * page_stride +
           partOffset(layer, kind == 'v' ? 1 : 0, tile_tokens_log2, head_dimension);
  }
};

static_assert(sizeof(KvTileCache<float>) == 56, "org.tilekv.attention.CudaKvMemory has the layout, too");

}  // namespace tilekv
