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
// Barriers in shared memory (mbarrier) of sm_80 and later, and rings of stages guarded by them.
#pragma once

namespace tilekv {

// A barrier in shared memory, given by its address. Its phases alternate between 0 and 1.
__device__ __forceinline__ void initBarrier(unsigned barrier, int arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

// Makes new barriers visible to bulk copies; a barrier of the threads must follow.
__device__ __forceinline__ void publishBarriers() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#else
  __threadfence_block();
#endif
}

__device__ __forceinline__ void arrive(unsigned barrier) {
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared.b64 state, [%0];\n}" ::"r"(barrier)
               : "memory");
}

// Arrives once the calling thread's copyAsync16 so far are complete.
__device__ __forceinline__ void arriveAfterCopies(unsigned barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(barrier) : "memory");
}

// How often a warp arrives in arriveAsWarp. Race checkers do not know that the barrier of a warp orders
// what its other lanes did before the one lane's arrival; for them every lane arrives, a little slower.
#ifdef TILEKV_ALL_LANES_ARRIVE
constexpr int WARP_ARRIVALS = 32;
#else
constexpr int WARP_ARRIVALS = 1;
#endif

// Arrives once all lanes of the warp are here.
__device__ __forceinline__ void arriveAsWarp(unsigned barrier) {
  __syncwarp();
  if (WARP_ARRIVALS > 1 || threadIdx.x % 32 == 0) arrive(barrier);
}

__device__ __forceinline__ void awaitPhase(unsigned barrier, unsigned phase) {
#if __CUDA_ARCH__ >= 900
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra finished;\n"
      "bra again;\n"
      "finished:\n"
      "}" ::"r"(barrier),
      "r"(phase)
      : "memory");
#else
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.test_wait.parity.shared.b64 done, [%0], %1;\n"
      "@done bra finished;\n"
      "nanosleep.u32 20;\n"
      "bra again;\n"
      "finished:\n"
      "}" ::"r"(barrier),
      "r"(phase)
      : "memory");
#endif
}

// Stage and phase of the n-th use of a ring.
template <int Stages>
struct Turn {
  int stage = 0;
  unsigned phase = 0;
  __device__ void next() {
    if (++stage == Stages) {
      stage = 0;
      phase ^= 1;
    }
  }
};

}  // namespace tilekv
