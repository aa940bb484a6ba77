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
// Entry points of attention to shared prefixes on Hopper: tilekv_prefix_{bf16,f16}_d{64,128,256}. Grid, shared
// memory and arguments: README.md.
#include "tilekv/attention/prefix_wgmma.cuh"

#define TILEKV_PREFIX(NAME, T, D)                                                                  \
  extern "C" __global__ void __launch_bounds__(tilekv::WgmmaShape<D>::THREADS, 1)                  \
      NAME(const T* q, float* partials, const void* map, const int* pageTable, const int4* work,   \
           const int* items, const int* members, int tokens, int kvHeads, int groupSize,           \
           int maxTiles, int tileTokensLog2, int tileElements, int layer, float scale,             \
           int qStride) {                                                                          \
    tilekv::PrefixArguments<T> a{{q, nullptr, nullptr, pageTable, work, kvHeads, groupSize,        \
                                  maxTiles, tileTokensLog2, tileElements, layer, 0, scale,         \
                                  qStride, 0},                                                     \
                                 members, partials, tokens};                                       \
    tilekv::prefixWgmma<T, D>(a, map, *items);                                                     \
  }

TILEKV_PREFIX(tilekv_prefix_bf16_d64, tilekv::bf16, 64)
TILEKV_PREFIX(tilekv_prefix_bf16_d128, tilekv::bf16, 128)
TILEKV_PREFIX(tilekv_prefix_bf16_d256, tilekv::bf16, 256)
TILEKV_PREFIX(tilekv_prefix_f16_d64, tilekv::f16, 64)
TILEKV_PREFIX(tilekv_prefix_f16_d128, tilekv::f16, 128)
TILEKV_PREFIX(tilekv_prefix_f16_d256, tilekv::f16, 256)
