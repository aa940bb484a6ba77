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
// Entry points of decode attention: tilekv_decode_{bf16,f16}_d{32,64,80,96,128,256}_g{8,16}, for up to 8
// or 16 query heads per KV head. Grid, shared memory and arguments: README.md.
#include "tilekv/attention/decode_mma.cuh"

#define TILEKV_DECODE(NAME, T, D, GROUP)                                                           \
  extern "C" __global__ void __launch_bounds__(tilekv::DecodeShape<D>::THREADS,                    \
                                               tilekv::DecodeShape<D>::BLOCKS_PER_PROCESSOR)       \
      NAME(const T* q, T* out, const T* pool, const int* pageTable, const int4* rows,              \
           int rowCount, float* partials, int* arrivals, const float* prefix, int prefixTokens,    \
           int kvHeads, int groupSize, int maxTiles, int tileTokensLog2, int tileElements,         \
           int layer, int window, float scale, int qStride, int outStride) {                       \
    tilekv::decodeMma<T, D, GROUP / 8>({q, out, pool, pageTable, rows, rowCount,                   \
                                        partials, arrivals, prefix, prefixTokens, kvHeads,         \
                                        groupSize, maxTiles, tileTokensLog2, tileElements, layer,  \
                                        window, scale, qStride, outStride});                       \
  }

#define TILEKV_DECODE_HEAD_DIM(D)                                \
  TILEKV_DECODE(tilekv_decode_bf16_d##D##_g8, tilekv::bf16, D, 8)   \
  TILEKV_DECODE(tilekv_decode_bf16_d##D##_g16, tilekv::bf16, D, 16) \
  TILEKV_DECODE(tilekv_decode_f16_d##D##_g8, tilekv::f16, D, 8)     \
  TILEKV_DECODE(tilekv_decode_f16_d##D##_g16, tilekv::f16, D, 16)

TILEKV_DECODE_HEAD_DIM(32)
TILEKV_DECODE_HEAD_DIM(64)
TILEKV_DECODE_HEAD_DIM(80)
TILEKV_DECODE_HEAD_DIM(96)
TILEKV_DECODE_HEAD_DIM(128)
TILEKV_DECODE_HEAD_DIM(256)
