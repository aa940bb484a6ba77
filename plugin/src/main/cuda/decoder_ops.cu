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
// Entry points of the kernels around attention and matrix products in a step of a Llama-family
// decoder: tilekv_<operation>_{bf16,f16,f32}. Arguments, grids and blocks: README.md.
#include "tilekv/ops/choose.cuh"
#include "tilekv/ops/copy_slots.cuh"
#include "tilekv/ops/embedding.cuh"
#include "tilekv/ops/rms_norm.cuh"
#include "tilekv/ops/rope_append.cuh"
#include "tilekv/ops/sample.cuh"
#include "tilekv/ops/swiglu.cuh"

#define TILEKV_OPERATIONS(SUFFIX, T)                                                               \
  extern "C" __global__ void tilekv_embed_##SUFFIX(const T* table, const int* tokens, float* stream, \
                                                   int vocab, int hidden) {                        \
    tilekv::gatherRows(table, tokens, stream, vocab, hidden);                                      \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(1024)                                               \
      tilekv_norm_##SUFFIX(float* stream, const float* add, const T* bias, const T* weight, T* out, \
                           const int* rows, int hidden, float eps) {                               \
    tilekv::addAndNorm(stream, add, bias, weight, out, rows, hidden, eps);                         \
  }                                                                                                \
  extern "C" __global__ void tilekv_rope_append_##SUFFIX(                                          \
      const float* qkv, T* queries, const T* bias, const T* queryNorm, const T* keyNorm, float eps, \
      const float* rope, const int* tokenRow, const int* tokenPosition, T* pool,                   \
      const int* pageTable, int tokens, int queryHeads, int kvHeads, int headDim, int maxTiles,    \
      int tileTokensLog2, int tileElements, int layer, int qkvStride) {                            \
    tilekv::ropeAppend<T>({qkv, queries, bias, queryNorm, keyNorm, eps, rope, tokenRow,            \
                           tokenPosition, pool, pageTable, tokens, queryHeads, kvHeads, headDim,   \
                           maxTiles, tileTokensLog2, tileElements, layer, qkvStride});             \
  }                                                                                                \
  extern "C" __global__ void tilekv_swiglu_##SUFFIX(const T* gateUp, const T* bias, T* out,        \
                                                    int tokens, int n) {                           \
    tilekv::swiglu(gateUp, bias, out, tokens, n);                                                  \
  }                                                                                                \
  extern "C" __global__ void tilekv_argmax_##SUFFIX(const T* logits, int* chosen, int vocab,       \
                                                    int stride) {                                  \
    tilekv::argmax(logits, chosen, vocab, stride);                                                 \
  }                                                                                                \
  extern "C" __global__ void tilekv_copy_logits_##SUFFIX(const T* logits, float* out, int vocab,   \
                                                         int stride) {                             \
    tilekv::copyLogits(logits, out, vocab, stride);                                                \
  }

TILEKV_OPERATIONS(bf16, tilekv::bf16)
TILEKV_OPERATIONS(f16, tilekv::f16)
TILEKV_OPERATIONS(f32, float)

extern "C" __global__ void __launch_bounds__(tilekv::sample::BLOCK, 2)
    tilekv_sample_f32(const float* logits, const tilekv::Sampling* sampling, int* chosen, int vocab,
                      int stride) {
  tilekv::sampleToken(logits, sampling, chosen, vocab, stride);
}

extern "C" __global__ void tilekv_advance(const int* chosen, int* tokens, int* positions, int4* work,
                                          int* history, int* step, int rows) {
  tilekv::advance(chosen, tokens, positions, work, history, step, rows);
}

extern "C" __global__ void tilekv_copy_slots(unsigned char* pool, const int* pairs, int layers,
                                             int tileTokens, int slotBytes, long long tileBytes,
                                             int scaleOffset) {
  tilekv::copySlots(pool, pairs, layers, tileTokens, slotBytes, tileBytes, scaleOffset);
}
