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
// The tensor map of a pool: the pool as a matrix of headDim columns, one row per K or V vector.
#pragma once

#include <cuda.h>

#include "support.cuh"

namespace test {

using PoolMap = CUtensorMap;

// Boxes are 64 columns by the smaller of a tile and the kernel's block of keys.
template <typename T>
Device<PoolMap> makePoolMap(const T* pool, size_t elements, int headDim, int tileTokens) {
  PoolMap map = {};
  if (sizeof(T) == 2 && headDim % 64 == 0) {
    void* entry = nullptr;
    cudaDriverEntryPointQueryResult found;
    CHECK_CUDA(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000,
                                                cudaEnableDefault, &found));
    cuuint64_t size[2] = {static_cast<cuuint64_t>(headDim), elements / headDim};
    cuuint64_t rowBytes[1] = {static_cast<cuuint64_t>(headDim) * 2};
    int keys = headDim > 128 ? 64 : 128;
    cuuint32_t box[2] = {64, static_cast<cuuint32_t>(std::min(tileTokens, keys))};
    cuuint32_t step[2] = {1, 1};
    CUresult result = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(entry)(
        &map, std::is_same_v<T, bf16> ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
        2, const_cast<T*>(pool), size, rowBytes, box, step, CU_TENSOR_MAP_INTERLEAVE_NONE,
        CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
        CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
    if (result != CUDA_SUCCESS) {
      std::printf("cuTensorMapEncodeTiled: %d\n", result);
      std::exit(2);
    }
  }
  return Device<PoolMap>(std::vector<PoolMap>{map});
}

}  // namespace test
