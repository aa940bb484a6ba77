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
// Whole tiles between scattered places, on the device or in pinned host memory.
#pragma once

namespace tilekv {

// Bytes that one warp has under way: enough warps of a few blocks fill a PCIe link.
constexpr int COPY_UNIT_BYTES = 2048;

__device__ __forceinline__ uint4 readOnce(const uint4* from) {
  uint4 v;
  asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(from));
  return v;
}

__device__ __forceinline__ void writeOnce(uint4* to, uint4 v) {
  asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(v.x), "r"(v.y), "r"(v.z),
               "r"(v.w)
               : "memory");
}

// Copies moves[i] = {from, to}, `bytes` each, a multiple of 16; sources and targets do not overlap.
// Warps take units of 2 KiB in turn, so that any number of blocks does the work.
__device__ __forceinline__ void copyTiles(const ulonglong2* moves, int count, long long bytes) {
  const int lane = threadIdx.x % 32;
  const long long warps = static_cast<long long>(gridDim.x) * (blockDim.x / 32);
  const long long units = (bytes + COPY_UNIT_BYTES - 1) / COPY_UNIT_BYTES;
  long long unit = blockIdx.x * static_cast<long long>(blockDim.x / 32) + threadIdx.x / 32;
  for (; unit < units * count; unit += warps) {
    const ulonglong2 move = moves[unit / units];
    const long long at = unit % units * COPY_UNIT_BYTES + lane * 16;
    const char* from = reinterpret_cast<const char*>(move.x) + at;
    char* to = reinterpret_cast<char*>(move.y) + at;
    uint4 held[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if (at + i * 512 < bytes) held[i] = readOnce(reinterpret_cast<const uint4*>(from + i * 512));
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
      if (at + i * 512 < bytes) writeOnce(reinterpret_cast<uint4*>(to + i * 512), held[i]);
    }
  }
}

}  // namespace tilekv
