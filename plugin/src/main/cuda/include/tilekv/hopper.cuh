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
// Instructions of sm_90a, one function each: bulk tensor copies and products of a warpgroup (wgmma).
#pragma once

#include "tilekv/barrier.cuh"
#include "tilekv/mma.cuh"

namespace tilekv {

constexpr int WARPGROUP = 128;

// Arrives, and makes the phase wait for so many bytes of bulk copies too.
__device__ __forceinline__ void arriveExpecting(unsigned barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes)
               : "memory");
}

// Makes ordinary writes to shared memory visible to bulk copies and wgmma.
__device__ __forceinline__ void fenceSharedForAsync() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void syncWarpgroup(int id) {
  asm volatile("bar.sync %0, 128;" ::"r"(id) : "memory");
}

// Copies a box of a 2-D tensor to shared memory; what lies outside the tensor becomes zeros.
__device__ __forceinline__ void copyBox(unsigned to, const void* map, int x, int y,
                                        unsigned barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], "
      "[%1, {%2, %3}], [%4];" ::"r"(to),
      "l"(map), "r"(x), "r"(y), "r"(barrier)
      : "memory");
}

template <int Registers>
__device__ __forceinline__ void growRegisters() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Registers));
}
template <int Registers>
__device__ __forceinline__ void shrinkRegisters() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Registers));
}

__device__ __forceinline__ void fenceProducts() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void commitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int Pending>
__device__ __forceinline__ void waitProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}

// Keeps the compiler from using results before the wait above this call.
template <int N>
__device__ __forceinline__ void pinResults(float (&c)[N]) {
#pragma unroll
  for (int i = 0; i < N; i++) asm volatile("" : "+f"(c[i])::"memory");
}

// Descriptor of a matrix in shared memory in rows of 128 bytes, swizzled as bulk copies with
// SWIZZLE_128B leave them (16-byte unit u of row r is at u ^ r % 8); groups of eight rows are 1024
// bytes apart, columns of 64 elements `columnStride` bytes (used where rows are the summed index).
__device__ __forceinline__ unsigned long long describe(unsigned address, int columnStride) {
  return static_cast<unsigned long long>((address & 0x3ffff) >> 4) |
         static_cast<unsigned long long>(columnStride >> 4) << 16 | 64ull << 32 | 1ull << 62;
}

#define TILEKV_R8(c, i)                                                                         \
  "+f"(c[i]), "+f"(c[i + 1]), "+f"(c[i + 2]), "+f"(c[i + 3]), "+f"(c[i + 4]), "+f"(c[i + 5]), \
      "+f"(c[i + 6]), "+f"(c[i + 7])
#define TILEKV_R32(c, i) \
  TILEKV_R8(c, i), TILEKV_R8(c, i + 8), TILEKV_R8(c, i + 16), TILEKV_R8(c, i + 24)
#define TILEKV_P32                                                                             \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24," \
  "%25,%26,%27,%28,%29,%30,%31"
#define TILEKV_P64                                                                            \
  TILEKV_P32                                                                                  \
  ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,%51,%52,%53," \
  "%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"

template <typename T, int N>
struct Warpgroup;

// c[64, N] (+)= a[64, 16] * b[16, N]. The layout of c over lanes is that of mma.sync, 16 rows a warp.
//   multiplyScores: a and b in shared memory, both with the summed index along rows; c is
//                   overwritten where `add` is 0.
//   multiplyValues: a in registers, b with the summed index across rows; always adds.
#define TILEKV_WARPGROUP(TYPE, NAME, N, PLACES, REGISTERS, A0, A1, A2, A3, A4)                    \
  template <>                                                                                     \
  struct Warpgroup<TYPE, N> {                                                                     \
    static __device__ __forceinline__ void multiplyScores(float (&c)[N / 2], unsigned long long a, \
                                                          unsigned long long b, int add) {        \
      asm volatile(                                                                               \
          "{\n.reg .pred p;\nsetp.ne.b32 p, " A2 ", 0;\n"                                         \
          "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." NAME "." NAME " {" PLACES "}, " A0     \
          ", " A1 ", p, 1, 1, 0, 0;\n}"                                                           \
          : REGISTERS                                                                             \
          : "l"(a), "l"(b), "r"(add));                                                            \
    }                                                                                             \
    static __device__ __forceinline__ void multiplyValues(float (&c)[N / 2], const unsigned* a,    \
                                                          unsigned long long b) {                 \
      asm volatile(                                                                               \
          "{\n.reg .pred p;\nsetp.eq.b32 p, 0, 0;\n"                                              \
          "wgmma.mma_async.sync.aligned.m64n" #N "k16.f32." NAME "." NAME " {" PLACES "}, {" A0    \
          "," A1 "," A2 "," A3 "}, " A4 ", p, 1, 1, 1;\n}"                                        \
          : REGISTERS                                                                             \
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                                  \
    }                                                                                             \
  };

#define TILEKV_WARPGROUPS(TYPE, NAME)                                                           \
  TILEKV_WARPGROUP(TYPE, NAME, 64, TILEKV_P32, TILEKV_R32(c, 0), "%32", "%33", "%34", "%35",    \
                   "%36")                                                                       \
  TILEKV_WARPGROUP(TYPE, NAME, 128, TILEKV_P64, TILEKV_R32(c, 0) TILEKV_COMMA TILEKV_R32(c, 32), \
                   "%64", "%65", "%66", "%67", "%68")
#define TILEKV_COMMA ,

TILEKV_WARPGROUPS(bf16, "bf16")
TILEKV_WARPGROUPS(f16, "f16")

}  // namespace tilekv
