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
// Element types and the few operations that kernels need on them.
//
// Activations, weights and tiles hold T = float, __half or __nv_bfloat16; arithmetic is float32.
// Compiles with nvcc and with NVRTC, so nothing from the C++ standard library is used.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace tilekv {

using bf16 = __nv_bfloat16;
using f16 = __half;

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

__device__ __forceinline__ float toFloat(float x) { return x; }
__device__ __forceinline__ float toFloat(f16 x) { return __half2float(x); }
__device__ __forceinline__ float toFloat(bf16 x) { return __bfloat162float(x); }

// Rounds to nearest, ties to even.
template <typename T>
__device__ __forceinline__ T fromFloat(float x);
template <>
__device__ __forceinline__ float fromFloat<float>(float x) { return x; }
template <>
__device__ __forceinline__ f16 fromFloat<f16>(float x) { return __float2half_rn(x); }
template <>
__device__ __forceinline__ bf16 fromFloat<bf16>(float x) { return __float2bfloat16_rn(x); }

// Two elements in one register, the first in the low half.
template <typename T>
__device__ __forceinline__ unsigned pack(float first, float second);
template <>
__device__ __forceinline__ unsigned pack<f16>(float first, float second) {
  __half2 pair = __floats2half2_rn(first, second);
  return *reinterpret_cast<unsigned*>(&pair);
}
template <>
__device__ __forceinline__ unsigned pack<bf16>(float first, float second) {
  __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
  return *reinterpret_cast<unsigned*>(&pair);
}

// Eight consecutive elements: one 16-byte access (two for float). The address must be a multiple
// of 16 bytes.
constexpr int VECTOR = 8;

template <typename T>
__device__ __forceinline__ void load8(const T* from, float (&x)[VECTOR]) {
  uint4 raw = *reinterpret_cast<const uint4*>(from);
  const T* elements = reinterpret_cast<const T*>(&raw);
#pragma unroll
  for (int i = 0; i < VECTOR; i++) x[i] = toFloat(elements[i]);
}
template <>
__device__ __forceinline__ void load8<float>(const float* from, float (&x)[VECTOR]) {
  *reinterpret_cast<float4*>(x) = reinterpret_cast<const float4*>(from)[0];
  *reinterpret_cast<float4*>(x + 4) = reinterpret_cast<const float4*>(from)[1];
}

template <typename T>
__device__ __forceinline__ void store8(T* to, const float (&x)[VECTOR]) {
  uint4 raw;
  unsigned* pairs = reinterpret_cast<unsigned*>(&raw);
#pragma unroll
  for (int i = 0; i < VECTOR / 2; i++) pairs[i] = pack<T>(x[2 * i], x[2 * i + 1]);
  *reinterpret_cast<uint4*>(to) = raw;
}
template <>
__device__ __forceinline__ void store8<float>(float* to, const float (&x)[VECTOR]) {
  reinterpret_cast<float4*>(to)[0] = make_float4(x[0], x[1], x[2], x[3]);
  reinterpret_cast<float4*>(to)[1] = make_float4(x[4], x[5], x[6], x[7]);
}

// Sum over a block in a fixed order: the bits depend on the block's size alone. Every thread gets
// the result. `scratch` holds one float per warp; blockDim.x is a multiple of 32.
__device__ __forceinline__ float blockSum(float x, float* scratch) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  int warps = blockDim.x / WARP;
  if (threadIdx.x % WARP == 0) scratch[threadIdx.x / WARP] = x;
  __syncthreads();
  x = threadIdx.x % WARP < warps ? scratch[threadIdx.x % WARP] : 0.f;
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  return x;
}

__device__ __forceinline__ float infinite() { return __int_as_float(0x7f800000); }

// 2^x of the special function unit (relative error 2^-22); 2^-inf is 0.
__device__ __forceinline__ float fastExp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

}  // namespace tilekv
