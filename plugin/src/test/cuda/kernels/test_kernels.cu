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
// Small kernels of the tests of org.tilekv.cuda; they compile with nvcc and with NVRTC.
#include "tilekv_test/scale.cuh"

// y[i] = a * x[i] + y[i] for i < n. Grid: ceil(n / block).
extern "C" __global__ void scale_add(float* y, const float* x, float a, int n) {
  long long i = blockIdx.x * static_cast<long long>(blockDim.x) + threadIdx.x;
  if (i < n) y[i] += scaled(x[i], a);
}

// out[i] = in[n - 1 - i] through n floats of dynamic shared memory. Grid: 1.
extern "C" __global__ void reverse_in_shared(float* out, const float* in, int n) {
  extern __shared__ float staged[];
  for (int i = threadIdx.x; i < n; i += blockDim.x) staged[i] = in[i];
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) out[i] = staged[n - 1 - i];
}

// Every block waits until all blocks have arrived: ends only where all are on the device at once. Grid: any that fits.
extern "C" __global__ void meet(int* arrived, int* done) {
  if (threadIdx.x != 0) return;
  atomicAdd(arrived, 1);
  while (atomicAdd(arrived, 0) < static_cast<int>(gridDim.x)) {
  }
  atomicAdd(done, 1);
}

// Writes to an address.
extern "C" __global__ void poke(int* address) { *address = 1; }
