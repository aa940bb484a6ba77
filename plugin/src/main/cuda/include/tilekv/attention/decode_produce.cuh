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
// Decode attention: the producer warps, which bring segments, their q, and K and V through the page table.
#pragma once

#include "tilekv/attention/decode_stage.cuh"

namespace tilekv {

// The pages of a segment's boxes, read 32 at a time. A box is the part of a tile that lies in one
// block of keys.
struct DecodePages {
  const int* pages;
  int tileTokensLog2;
  int boxTokensLog2;
  int firstKey;
  int boxes;
  int held;  // of box `batch + lane`
  int batch;

  template <typename T>
  __device__ void start(const DecodeArguments<T>& a, const DecodeSegment& s) {
    pages = a.pageTable + (static_cast<long long>(s.row) * a.kvHeads + s.head) * a.maxTiles;
    tileTokensLog2 = a.tileTokensLog2;
    boxTokensLog2 = min(tileTokensLog2, DECODE_KEYS_LOG2);
    firstKey = s.firstBlock * DECODE_KEYS;
    boxes = min(s.blocks * DECODE_KEYS, s.position + 1 - firstKey + (1 << boxTokensLog2) - 1) >>
            boxTokensLog2;
    read(0);
  }

  __device__ void read(int from) {
    batch = from;
    int box = from + threadIdx.x % WARP;
    held = box < boxes ? pages[(firstKey + (box << boxTokensLog2)) >> tileTokensLog2] : NO_PAGE;
  }

  // Page of a box; called by the whole warp, boxes of a block lie in one batch.
  __device__ int page(int box) const { return __shfl_sync(ALL_LANES, held, box - batch); }
};

// Puts a segment and its q where the consumers find them.
template <typename T, int D>
__device__ void publishSegment(const DecodeArguments<T>& a, const DecodeSegment& s,
                               const DecodeStage<D>& stage, const Turn<DecodeShape<D>::SEGMENTS>& turn) {
  const int lane = threadIdx.x % WARP;
  awaitPhase(stage.emptySegment(turn.stage), turn.phase ^ 1);
  if (lane == 0) *reinterpret_cast<DecodeSegment*>(stage.segment(turn.stage)) = s;
  if (s.blocks > 0) {
    const T* source = a.q + static_cast<long long>(s.token) * a.qStride + s.head * a.groupSize * D;
    unsigned target = sharedAddress(stage.template q<T>(turn.stage));
    for (int i = lane; i < a.groupSize * D / VECTOR; i += WARP) {
      copyAsync16(target + 16 * i, source + VECTOR * i, true);
    }
  }
  arriveAfterCopies(stage.fullSegment(turn.stage));
  if (lane == 0) arrive(stage.fullSegment(turn.stage));
}

// How a producer warp copies eight keys: lane i takes every 32nd 16-byte unit from the i-th on.
template <int D>
struct EightKeys {
  static constexpr int UNITS = 8 * (D / VECTOR);
  static constexpr int ROUNDS = (UNITS + WARP - 1) / WARP;
  unsigned offset[ROUNDS];  // in a stage
  int key[ROUNDS];

  __device__ EightKeys() {
#pragma unroll
    for (int round = 0; round < ROUNDS; round++) {
      int i = round * WARP + threadIdx.x % WARP;
      int unit = i % (D / VECTOR);
      key[round] = i / (D / VECTOR);
      offset[round] = (unit / 8 * DECODE_KEYS + key[round]) * 128 + ((unit ^ key[round]) & 7) * 16;
    }
  }

  // K and V of the first `present` keys, zeros in place of the others.
  template <typename T>
  __device__ __forceinline__ void copy(unsigned to, const T* from, long long values, int present,
                                       unsigned long long policy) const {
    from += threadIdx.x % WARP * VECTOR;
#pragma unroll
    for (int round = 0; round < ROUNDS; round++) {
      if ((round + 1) * WARP > UNITS && round * WARP + threadIdx.x % WARP >= UNITS) break;
      bool there = key[round] < present;
      const T* source = from + round * WARP * VECTOR;
      copyAsync16(to + offset[round], source, there, policy);
      copyAsync16(to + offset[round] + DecodeShape<D>::V_AT, source + values, there, policy);
    }
  }
};

// Brings half a block of keys into a stage; keys behind the position become zeros.
template <typename T, int D>
__device__ void copyHalf(const DecodeArguments<T>& a, const DecodeStage<D>& stage, const DecodeSegment& s,
                         int block, const DecodePages& pages, int half, int index,
                         const EightKeys<D>& lanes) {
  constexpr int HALF = DECODE_KEYS / 2;
  const int slotMask = (1 << a.tileTokensLog2) - 1;
  const long long values = static_cast<long long>(D) << a.tileTokensLog2;
  const T* layer = a.pool + 2ll * a.layer * values;
  const unsigned long long policy = evictFirst();
  const unsigned to = stage.stage(index);
#pragma unroll
  for (int key = half * HALF; key < (half + 1) * HALF; key += 8) {
    int position = (s.firstBlock + block) * DECODE_KEYS + key;
    int page = pages.page((block * DECODE_KEYS + key) >> pages.boxTokensLog2);
    const T* from = layer + static_cast<long long>(max(page, 0)) * a.tileElements + (position & slotMask) * D;
    lanes.copy(to + key * 128, from, values, page < 0 ? 0 : s.position + 1 - position, policy);
  }
  arriveAfterCopies(stage.full(index));
}

template <typename T, int D>
__device__ void produceDecode(const DecodeArguments<T>& a, DecodeCursor<T>& cursor,
                              const DecodeStage<D>& stage, int half) {
  Turn<DecodeShape<D>::STAGES> turn;
  Turn<DecodeShape<D>::SEGMENTS> segmentTurn;
  const EightKeys<D> lanes;
  DecodeSegment segment = cursor.next();
  DecodePages pages{};
  if (segment.blocks > 0) pages.start(a, segment);
  while (segment.blocks > 0) {
    if (half == 0) publishSegment<T, D>(a, segment, stage, segmentTurn);
    segmentTurn.next();
    DecodeSegment following;
    DecodePages followingPages{};
    const int boxesPerBlock = DECODE_KEYS >> pages.boxTokensLog2;
    for (int b = 0; b < segment.blocks; b++, turn.next()) {
      int firstBox = b * boxesPerBlock;
      if (firstBox >= pages.batch + WARP) pages.read(firstBox);
      awaitPhase(stage.empty(turn.stage), turn.phase ^ 1);
      copyHalf<T, D>(a, stage, segment, b, pages, half, turn.stage, lanes);
      if (b > 0) continue;
      // The next segment's pages are under way while this one is read.
      following = cursor.next();
      if (following.blocks > 0) followingPages.start(a, following);
    }
    segment = following;
    pages = followingPages;
  }
  if (half == 0) publishSegment<T, D>(a, segment, stage, segmentTurn);
}

}  // namespace tilekv
