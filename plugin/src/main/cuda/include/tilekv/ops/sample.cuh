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
// Draws a token from a row of logits: temperature, then top-k, then top-p. One block per row.
//
// A token's weight is exp((logit - max) / temperature). Logits fall into bins, equally wide in the
// exponent and numbered down from the row's maximum. The weight is that of the bin's middle times
// a short polynomial; what is below the last bin (weights under e^-63) weighs nothing.
//
// Without top-k and top-p the draw is in the order of ids: each warp sums one piece of the row, and
// the piece where the sum passes the draw is read again. Else the draw is in ranked order (logit
// descending, lower id first): a histogram of counts and masses tells which bins matter; their
// tokens are gathered and sorted, all at once where they are few, else of one bin at a time.
//
// Sums that depend on the order of threads are sums of integers, all others have a fixed order, so
// the same row gives the same token in every run and in every batch.
#pragma once

#include "tilekv/ops/sample_ranked.cuh"
#include "tilekv/ops/sample_row.cuh"

namespace tilekv {
namespace sample {

// The draw without top-k and top-p.
__device__ int drawInOrder(const Row& row, const Bins& bins, double draw, Shared& s) {
  for (int b = threadIdx.x; b < BINS; b += BLOCK) s.middle[b] = Bins::middle(b);
  if (threadIdx.x == 0) {
    s.first = NO_TOKEN;
    s.last = -1;
  }
  __syncthreads();
  auto weight = [&](float x) {
    Binned binned = bins.of(x);
    return s.middle[binned.bin] * binned.factor;
  };
  int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  double sum = 0;
  row.forEach(row.piece(warp) + lane, row.piece(warp + 1), WARP, [&](float x, int) {
    if (x >= bins.lowest) sum += weight(x);
  });
  sum = warpSum(sum);
  if (lane == 0) s.scratch.numbers[warp] = sum;
  __syncthreads();
  double total = 0;
  for (int w = 0; w < WARPS; w++) total += s.scratch.numbers[w];
  double target = total * draw, base = 0;
  int piece = 0;
  for (double passed = 0; piece < WARPS - 1; piece++) {
    passed = base + s.scratch.numbers[piece];
    if (passed > target) break;
    base = passed;
  }
  __syncthreads();
  double own = 0;
  row.forPart(piece, [&](float x, int) {
    if (x >= bins.lowest) own += weight(x);
  });
  double passed = base + (blockScan(own, s.scratch.numbers) - own);
  row.forPart(piece, [&](float x, int id) {
    if (!(x >= bins.lowest)) return;
    passed += weight(x);
    if (passed > target) atomicMin(&s.first, id);
    atomicMax(&s.last, id);
  });
  __syncthreads();
  return s.first != NO_TOKEN ? s.first : s.last;
}

}  // namespace sample

// Puts a drawn token into chosen[r] for rows r = blockIdx.x with a temperature above 0. chosen[r]
// must hold what argmax found; rows without a finite maximum keep its -1. Rows are `stride` elements
// apart and need no alignment. sample::BLOCK threads a block.
__device__ __forceinline__ void sampleToken(const float* logits, const Sampling* sampling,
                                            int* chosen, int vocab, long long stride) {
  __shared__ sample::Shared shared;
  Sampling how = sampling[blockIdx.x];
  int best = chosen[blockIdx.x];
  if (!(how.temperature > 0) || best < 0) return;
  sample::Row row(logits + blockIdx.x * stride, vocab);
  sample::Bins bins(row.logits[best], how.temperature);
  bool all = how.topP >= 1 && (how.topK <= 0 || how.topK >= vocab);
  int token = all ? sample::drawInOrder(row, bins, how.draw, shared)
                  : sample::drawRanked(row, bins, how, shared);
  if (threadIdx.x == 0) chosen[blockIdx.x] = token;
}

}  // namespace tilekv
