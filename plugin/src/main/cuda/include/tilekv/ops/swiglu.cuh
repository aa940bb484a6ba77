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
// The gated activation of the MLP.
#pragma once

#include "tilekv/numeric.cuh"

namespace tilekv {

// out[t, i] = silu(gate) * up with gate = gateUp[t, i] + bias[i] and up = gateUp[t, n + i] +
// bias[n + i]; silu(x) = x / (1 + exp(-x)). gateUp is [tokens, 2 n], out [tokens, n], bias [2 n] or
// null; n is a multiple of 8. One thread per eight elements, threads past the end do nothing.
template <typename T>
__device__ void swiglu(const T* gateUp, const T* bias, T* out, int tokens, int n) {
  int perToken = n / VECTOR;
  long long unit = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (unit >= static_cast<long long>(tokens) * perToken) return;
  long long token = unit / perToken;
  int i = static_cast<int>(unit % perToken) * VECTOR;
  float gate[VECTOR], up[VECTOR];
  load8(gateUp + token * 2 * n + i, gate);
  load8(gateUp + token * 2 * n + n + i, up);
  if (bias != nullptr) {
    float gateBias[VECTOR], upBias[VECTOR];
    load8(bias + i, gateBias);
    load8(bias + n + i, upBias);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) {
      gate[e] += gateBias[e];
      up[e] += upBias[e];
    }
  }
#pragma unroll
  for (int e = 0; e < VECTOR; e++) up[e] *= gate[e] / (1.f + expf(-gate[e]));
  store8(out + token * n + i, up);
}

}  // namespace tilekv
