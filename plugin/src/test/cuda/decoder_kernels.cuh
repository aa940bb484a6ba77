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
// The kernels of decoder_ops.cu by type, and their launch sizes. Include decoder_ops.cu first.
#pragma once

#include "support.cuh"

namespace test {

template <typename T>
struct Kernels;

#define DECODER_KERNELS(SUFFIX, T)                                       \
  template <>                                                            \
  struct Kernels<T> {                                                    \
    static constexpr auto embed = tilekv_embed_##SUFFIX;                 \
    static constexpr auto norm = tilekv_norm_##SUFFIX;                   \
    static constexpr auto rope = tilekv_rope_append_##SUFFIX;            \
    static constexpr auto swiglu = tilekv_swiglu_##SUFFIX;               \
    static constexpr auto argmax = tilekv_argmax_##SUFFIX;               \
    static constexpr auto copyLogits = tilekv_copy_logits_##SUFFIX;      \
  };
DECODER_KERNELS(f32, float)
DECODER_KERNELS(f16, f16)
DECODER_KERNELS(bf16, bf16)

inline int normBlock(int hidden) { return std::min(1024, (hidden / 8 + 31) / 32 * 32); }

inline int ropeBlocks(int tokens, int heads, int headDim, int block) {
  int lanes = 1;
  while (lanes * 16 < headDim) lanes *= 2;
  return static_cast<int>((static_cast<long long>(tokens) * heads * lanes + block - 1) / block);
}

}  // namespace test
