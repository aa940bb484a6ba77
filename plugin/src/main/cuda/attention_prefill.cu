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
// Entry points of prefill attention: tilekv_prefill_{bf16,f16,f32}_d{32,64,80,96,128,256}.
//
// Grid: workItems * kvHeads blocks of 128 threads; a work item holds at most 64 / groupSize tokens.
// Dynamic shared memory: MmaShape<D>::SHARED_BYTES, none for f32 (table in README.md). All kernels
// take the same arguments.
#include "tilekv/attention/prefill_exact.cuh"
#include "tilekv/attention/prefill_mma.cuh"

#define TILEKV_PREFILL(NAME, T, RUN)                                                              \
  extern "C" __global__ void __launch_bounds__(128)                                               \
      NAME(const T* q, T* out, T* pool, const int* pageTable, const int4* work, int kvHeads,      \
           int groupSize, int maxTiles, int tileTokensLog2, int tileElements, int layer,          \
           int window, float scale, int qStride, int outStride) {                                 \
    RUN({q, out, pool, pageTable, work, kvHeads, groupSize, maxTiles, tileTokensLog2,             \
         tileElements, layer, window, scale, qStride, outStride});                                \
  }

#define TILEKV_PREFILL_HEAD_DIM(D)                                                   \
  TILEKV_PREFILL(tilekv_prefill_bf16_d##D, tilekv::bf16, (tilekv::prefillMma<tilekv::bf16, D>)) \
  TILEKV_PREFILL(tilekv_prefill_f16_d##D, tilekv::f16, (tilekv::prefillMma<tilekv::f16, D>))    \
  TILEKV_PREFILL(tilekv_prefill_f32_d##D, float, (tilekv::prefillExact<D>))

TILEKV_PREFILL_HEAD_DIM(32)
TILEKV_PREFILL_HEAD_DIM(64)
TILEKV_PREFILL_HEAD_DIM(80)
TILEKV_PREFILL_HEAD_DIM(96)
TILEKV_PREFILL_HEAD_DIM(128)
TILEKV_PREFILL_HEAD_DIM(256)
