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
// What lies between the q, k, v projection and attention: bias, norm of q and k per head, rotary
// position embedding, and the append of k and v to their tiles.
#pragma once

#include "tilekv/numeric.cuh"
#include "tilekv/tiles.cuh"

namespace tilekv {

template <typename T>
struct RopeAppendArguments {
  const float* qkv;
  T* queries;
  const T* bias;
  const T* queryNorm;
  const T* keyNorm;
  float eps;
  const float* rope;
  const int* tokenRow;
  const int* tokenPosition;
  T* pool;
  const int* pageTable;
  int tokens;
  int queryHeads;
  int kvHeads;
  int headDim;
  int maxTiles;
  int tileTokensLog2;
  int tileElements;
  int layer;
  int qkvStride;
};

// Eight elements of the lower half of a head and their partners in the upper half.
struct HeadPart {
  float low[VECTOR];
  float high[VECTOR];

  template <typename T>
  __device__ void load(const T* head, int i, int half) {
    load8(head + i, low);
    load8(head + half + i, high);
  }

  template <typename T>
  __device__ void store(T* head, int i, int half) const {
    store8(head + i, low);
    store8(head + half + i, high);
  }

  template <typename T>
  __device__ void add(const T* vector, int i, int half) {
    HeadPart other;
    other.load(vector, i, half);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) {
      low[e] += other.low[e];
      high[e] += other.high[e];
    }
  }

  // Multiplies by weight / root mean square, both over the whole head: `squares` is its sum.
  template <typename T>
  __device__ void norm(const T* weight, int i, int half, float squares, float eps) {
    float scale = 1.f / sqrtf(squares / (2 * half) + eps);
    HeadPart w;
    w.load(weight, i, half);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) {
      low[e] *= scale * w.low[e];
      high[e] *= scale * w.high[e];
    }
  }

  __device__ float squares() const {
    float sum = 0.f;
#pragma unroll
    for (int e = 0; e < VECTOR; e++) sum = fmaf(low[e], low[e], fmaf(high[e], high[e], sum));
    return sum;
  }

  // `angles` is one position of the table: half cosines, then half sines.
  __device__ void rotate(const float* angles, int i, int half) {
    float cosine[VECTOR], sine[VECTOR];
    load8(angles + i, cosine);
    load8(angles + half + i, sine);
#pragma unroll
    for (int e = 0; e < VECTOR; e++) {
      float a = low[e];
      float b = high[e];
      low[e] = a * cosine[e] - b * sine[e];
      high[e] = b * cosine[e] + a * sine[e];
    }
  }
};

// q, k, v of a token lie side by side, in float32 as they left the product, so that each is rounded
// once: [queryHeads + 2 * kvHeads][headDim]. A group of `lanes` lanes (headDim / 16 rounded up to a
// power of two) works on one head of one token; q goes to [token][queryHeads][headDim], k and v go to
// the tiles. headDim is a multiple of 16, at most 512.
template <typename T>
__device__ void ropeAppend(const RopeAppendArguments<T>& a) {
  int half = a.headDim / 2;
  int parts = half / VECTOR;
  int lanes = parts <= 1 ? 1 : 1 << (32 - __clz(parts - 1));
  int heads = a.queryHeads + 2 * a.kvHeads;
  long long item = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) / lanes;
  int part = threadIdx.x % lanes;
  bool valid = item < static_cast<long long>(a.tokens) * heads;
  int token = valid ? static_cast<int>(item / heads) : 0;
  int head = static_cast<int>(item % heads);
  bool active = valid && part < parts;
  int i = part * VECTOR;
  const float* vector = a.qkv + static_cast<long long>(token) * a.qkvStride + head * a.headDim;

  HeadPart x = {};
  if (active) {
    x.load(vector, i, half);
    if (a.bias != nullptr) x.add(a.bias + head * a.headDim, i, half);
  }
  bool isValue = head >= a.queryHeads + a.kvHeads;
  if (a.queryNorm != nullptr) {
    float squares = x.squares();
    for (int step = lanes / 2; step > 0; step /= 2) {
      squares += __shfl_xor_sync(ALL_LANES, squares, step);
    }
    const T* weight = head < a.queryHeads ? a.queryNorm : a.keyNorm;
    if (active && !isValue) x.norm(weight, i, half, squares, a.eps);
  }
  if (!active) return;
  int position = a.tokenPosition[token];
  if (!isValue) x.rotate(a.rope + static_cast<long long>(position) * a.headDim, i, half);
  if (head < a.queryHeads) {
    long long query = static_cast<long long>(token) * a.queryHeads + head;
    x.store(a.queries + query * a.headDim, i, half);
    return;
  }
  int kvHead = (head - a.queryHeads) % a.kvHeads;
  TileRow<T> tiles(a.pool, a.pageTable,
                   static_cast<long long>(a.tokenRow[token]) * a.kvHeads + kvHead, a.maxTiles,
                   a.tileElements, a.layer, a.tileTokensLog2, a.headDim);
  int page = tiles.page(position);
  if (page < 0) return;
  x.store(tiles.key(page, position) + (isValue ? tiles.valueOffset() : 0), i, half);
}

}  // namespace tilekv
