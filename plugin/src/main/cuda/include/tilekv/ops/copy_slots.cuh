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
// Copy-on-write of a partly filled tile.
#pragma once

namespace tilekv {

// Copies the leading slots of one layer's K or V from one page to another: block (pair, layer, K or
// V), flattened as blockIdx.x = (pair * layers + layer) * 2 + (0 for K, 1 for V). A pair is {from,
// to, slots}; slotBytes is a multiple of 16. Where scaleOffset is not 0 (INT8 tiles), the float32
// scales of the slots, which begin at that byte of a page, are copied too. No page may be target of
// one pair and source of another.
__device__ __forceinline__ void copySlots(unsigned char* pool, const int* pairs, int layers,
                                          int tileTokens, int slotBytes, long long tileBytes,
                                          int scaleOffset) {
  int part = blockIdx.x % (2 * layers);
  const int* pair = pairs + blockIdx.x / (2 * layers) * 3;
  unsigned char* from = pool + pair[0] * tileBytes;
  unsigned char* to = pool + pair[1] * tileBytes;
  int slots = min(pair[2], tileTokens);
  long long offset = static_cast<long long>(part) * tileTokens * slotBytes;
  const uint4* source = reinterpret_cast<const uint4*>(from + offset);
  uint4* target = reinterpret_cast<uint4*>(to + offset);
  for (int i = threadIdx.x; i < slots * (slotBytes / 16); i += blockDim.x) target[i] = source[i];
  if (scaleOffset == 0) return;
  const float* scales = reinterpret_cast<const float*>(from + scaleOffset) + part * tileTokens;
  float* targetScales = reinterpret_cast<float*>(to + scaleOffset) + part * tileTokens;
  for (int i = threadIdx.x; i < slots; i += blockDim.x) targetScales[i] = scales[i];
}

}  // namespace tilekv
