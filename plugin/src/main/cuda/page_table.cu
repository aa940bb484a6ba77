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
// Changes of the page table: target[pairs[i].x] = pairs[i].y for i below count, one thread each. The
// pairs may lie in pinned host memory.
extern "C" __global__ void tilekv_scatter(int* target, const int2* pairs, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) target[pairs[i].x] = pairs[i].y;
}
