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
// A kernel of the tests that only Hopper runs.
#include "tilekv/hopper.cuh"

// Copies one box of 16 rows of 64 two-byte elements, whose first is (x, y), through shared memory; out holds it as it lies
// there: 16-byte unit u of row r at u ^ r % 8. One block of 128 threads. `map` is a TensorMap in device memory.
extern "C" __global__ void copy_box(unsigned short* out, const void* map, int x, int y) {
  __shared__ alignas(1024) unsigned short box[16 * 64];
  __shared__ alignas(8) unsigned long long storage;
  unsigned barrier = static_cast<unsigned>(__cvta_generic_to_shared(&storage));
  if (threadIdx.x == 0) {
    tilekv::initBarrier(barrier, 1);
    tilekv::fenceSharedForAsync();
    tilekv::arriveExpecting(barrier, sizeof(box));
    tilekv::copyBox(static_cast<unsigned>(__cvta_generic_to_shared(box)), map, x, y, barrier);
  }
  __syncthreads();
  tilekv::awaitPhase(barrier, 0);
  for (int i = threadIdx.x; i < 16 * 64; i += blockDim.x) out[i] = box[i];
}
