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
// Kernels that are not TileKV's: what a user compiles on the node against kv_tile_cache.cuh. Tests
// give them a cache and check on the host what they wrote.
#include "tilekv/kv_tile_cache.cuh"

// V of tile `target` of beam `to` = sum of K over the first `tiles` tiles of beam `from`, in one
// layer, head by head. Counts the tiles that have no page.
extern "C" __global__ void sum_keys(tilekv::KvTileCache<float> cache, int layer, int from, int tiles,
                                    int to, int target, int* absent) {
  auto here = cache.at_layer(layer);
  int head = blockIdx.x;
  float* values = here.get_write_ptr(to, head, target, 'v');
  if (values == nullptr) {
    if (threadIdx.x == 0) atomicAdd(absent, 1);
    return;
  }
  for (int i = threadIdx.x; i < here.tile_tokens() * here.head_dim(); i += blockDim.x) {
    float sum = 0;
    for (int tile = 0; tile < tiles; tile++) {
      const float* keys = here.get(from, head, tile, 'k');
      if (keys != nullptr) {
        sum += keys[i];
      } else if (i == 0) {
        atomicAdd(absent, 1);
      }
    }
    values[i] = sum;
  }
}

// out[head][position][2][headDim] = K and V of the first `positions` positions of a beam, each INT8
// element times the scale of its slot.
extern "C" __global__ void dequantise(tilekv::KvTileCache<signed char> cache, int layer, int beam,
                                      int positions, float* out) {
  auto here = cache.at_layer(layer);
  int head = blockIdx.x;
  for (int i = threadIdx.x; i < positions * 2; i += blockDim.x) {
    int position = i / 2;
    char kind = i % 2 == 0 ? 'k' : 'v';
    const signed char* vector = here.get_position(beam, head, position, kind);
    float scale = here.scales(beam, head, here.tile_of(position), kind)[here.slot_of(position)];
    float* target = out + ((head * positions + position) * 2 + i % 2) * here.head_dim();
    for (int d = 0; d < here.head_dim(); d++) target[d] = vector[d] * scale;
  }
}
