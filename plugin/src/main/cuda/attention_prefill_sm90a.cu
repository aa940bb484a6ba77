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
// Entry points of prefill attention on Hopper: tilekv_prefill_tma_{bf16,f16}_d{64,128,256}. Compile
// for sm_90a; other devices take attention_prefill.cu.
//
// Grid: at most one block per multiprocessor, at most items * kvHeads; 384 threads. A work item
// holds at most 128 / groupSize tokens. Dynamic shared memory: WgmmaShape<D>::SHARED_BYTES. `map`
// points to the CUtensorMap of the pool in device memory (README.md).
#include "tilekv/attention/prefill_wgmma.cuh"

#define TILEKV_PREFILL_TMA(NAME, T, D)                                                             \
  extern "C" __global__ void __launch_bounds__(tilekv::WgmmaShape<D>::THREADS, 1)                                             \
      NAME(const T* q, T* out, const void* map, const int* pageTable, const int4* work, int items, \
           int kvHeads, int groupSize, int maxTiles, int tileTokensLog2, int tileElements,         \
           int layer, int window, float scale, int qStride, int outStride) {                       \
    tilekv::prefillWgmma<T, D>({q, out, nullptr, pageTable, work, kvHeads, groupSize, maxTiles,    \
                                tileTokensLog2, tileElements, layer, window, scale, qStride,       \
                                outStride},                                                        \
                               map, items);                                                        \
  }

TILEKV_PREFILL_TMA(tilekv_prefill_tma_bf16_d64, tilekv::bf16, 64)
TILEKV_PREFILL_TMA(tilekv_prefill_tma_bf16_d128, tilekv::bf16, 128)
TILEKV_PREFILL_TMA(tilekv_prefill_tma_bf16_d256, tilekv::bf16, 256)
TILEKV_PREFILL_TMA(tilekv_prefill_tma_f16_d64, tilekv::f16, 64)
TILEKV_PREFILL_TMA(tilekv_prefill_tma_f16_d128, tilekv::f16, 128)
TILEKV_PREFILL_TMA(tilekv_prefill_tma_f16_d256, tilekv::f16, 256)
