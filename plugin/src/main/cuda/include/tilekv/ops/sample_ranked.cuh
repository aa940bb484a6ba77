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
// The draw in ranked order, with top-k or top-p; sample.cuh says how.
//
// Masses are held as shares: integers, of which the whole row has 2^61, or 2^51 for the weight of
// the maximum where only counts were made. `unit` is the shares of a weight of 1, the maximum's.
#pragma once

#include "tilekv/ops/sample_row.cuh"

namespace tilekv {
namespace sample {

// Fills the histogram, then makes it cumulative. Returns the shares of a weight of 1, which is the
// maximum's; only counts are made where masses are not wanted.
__device__ double makeHistogram(const Row& row, const Bins& bins, bool masses, Shared& s) {
  for (int b = threadIdx.x; b < BINS; b += BLOCK) {
    s.count[b] = 0;
    s.mass[b] = 0;
  }
  __syncthreads();
  if (masses) {
    row.forAll([&](float x, int) {
      if (!(x >= bins.lowest)) return;
      Binned binned = bins.of(x);
      double fixed = fma(binned.factor, MASS_UNITS, INTEGER);
      atomicAdd(&s.count[binned.bin], 1u);
      atomicAdd(&s.mass[binned.bin],
                static_cast<u64>(__double_as_longlong(fixed) - __double_as_longlong(INTEGER)));
    });
  } else {
    row.forAll([&](float x, int) {
      if (x >= bins.lowest) atomicAdd(&s.count[bins.bin(x)], 1u);
    });
  }
  __syncthreads();
  constexpr int OWN = BINS / BLOCK;
  int first = threadIdx.x * OWN;
  double mass[OWN], own = 0;
  for (int i = 0; i < OWN; i++) {
    mass[i] = static_cast<double>(s.mass[first + i]) / MASS_UNITS * Bins::middle(first + i);
    own += mass[i];
  }
  double unit = masses ? ALL_SHARES / blockTotal(own, s.scratch.numbers) : FEW_SHARES;
  u64 counted = 0, shares = 0, count[OWN], share[OWN];
  for (int i = 0; i < OWN; i++) {
    count[i] = counted += s.count[first + i];
    share[i] = shares += __double2ull_rn(mass[i] * unit);
  }
  u64 countBase = blockScan(counted, s.scratch.integers) - counted;
  u64 shareBase = blockScan(shares, s.scratch.integers) - shares;
  for (int i = 0; i < OWN; i++) {
    s.count[first + i] = static_cast<unsigned>(countBase + count[i]);
    s.mass[first + i] = shareBase + share[i];
  }
  __syncthreads();
  return unit;
}

// Sorts the tokens with keys in [low, high], best first, into s.candidates; returns how many.
__device__ int gather(const Row& row, unsigned low, unsigned high, Shared& s) {
  for (int i = threadIdx.x; i < CANDIDATES; i += BLOCK) s.candidates[i] = 0;
  if (threadIdx.x == 0) s.gathered = 0;
  __syncthreads();
  row.forAll([&](float x, int id) {
    unsigned key = keyOf(x);
    if (key < low || key > high) return;
    int at = atomicAdd(&s.gathered, 1);
    u64 ranked = static_cast<u64>(key) << 32 | ~static_cast<unsigned>(id);
    if (at < CANDIDATES) s.candidates[at] = ranked;
  });
  __syncthreads();
  int n = min(s.gathered, CANDIDATES);
  int size = 2;
  while (size < n) size *= 2;
  for (int length = 2; length <= size; length *= 2) {
    for (int step = length / 2; step > 0; step /= 2) {
      for (int i = threadIdx.x; i < size / 2; i += BLOCK) {
        int a = 2 * step * (i / step) + i % step, b = a + step;
        u64 x = s.candidates[a], y = s.candidates[b];
        if ((x < y) == ((a & length) == 0)) {
          s.candidates[a] = y;
          s.candidates[b] = x;
        }
      }
      __syncthreads();
    }
  }
  return n;
}

__device__ __forceinline__ u64 shareOf(unsigned key, const Bins& bins, double unit) {
  Binned binned = bins.of(valueOf(key));
  return __double2ull_rn(Bins::middle(binned.bin) * binned.factor * unit);
}

// Cumulative shares of the gathered tokens; each thread has a few that follow each other.
struct Ranked {
  static constexpr int OWN = CANDIDATES / BLOCK;
  u64 upTo[OWN];
  int n;

  __device__ Ranked(int count, const Bins& bins, double unit, u64 base, Shared& s) : n(count) {
    u64 sum = 0;
    for (int i = 0; i < OWN; i++) {
      int at = threadIdx.x * OWN + i;
      if (at < n) sum += shareOf(static_cast<unsigned>(s.candidates[at] >> 32), bins, unit);
      upTo[i] = sum;
    }
    u64 before = base + blockScan(sum, s.scratch.integers) - sum;
    for (int i = 0; i < OWN; i++) upTo[i] += before;
  }

  // Index of the first token up to which the share is `target` or more; at most n - 1.
  __device__ int firstOf(u64 target) const {
    int below = 0;
    for (int i = 0; i < OWN; i++) {
      below += __syncthreads_count(static_cast<int>(threadIdx.x) * OWN + i < n && upTo[i] < target);
    }
    return min(below, n - 1);
  }

  __device__ u64 share(int index, Shared& s) const {
    if (index / OWN == static_cast<int>(threadIdx.x)) s.picked = upTo[index % OWN];
    __syncthreads();
    u64 share = s.picked;
    __syncthreads();
    return share;
  }
};

__device__ __forceinline__ u64 part(double fraction, u64 whole) {
  return min(whole, __double2ull_ru(fraction * static_cast<double>(whole)));
}

// Least cumulative share that passes the draw.
__device__ __forceinline__ u64 drawn(double draw, u64 whole) {
  return min(whole, __double2ull_rd(draw * static_cast<double>(whole)) + 1);
}

__device__ __forceinline__ int idOf(u64 candidate) {
  return static_cast<int>(~static_cast<unsigned>(candidate));
}

// The draw where all tokens of the bins up to `bin` are few. `whole` is the mass before top-p, 0
// where it is that of the first `kept` tokens.
__device__ int drawFromFew(const Row& row, const Bins& bins, const Sampling& how, int bin,
                           double unit, int kept, u64 whole, Shared& s) {
  int n = gather(row, bins.smallestKey(bin), keyOf(static_cast<float>(bins.max)), s);
  Ranked ranked(n, bins, unit, 0, s);
  int last = min(kept, n) - 1;
  u64 share = ranked.share(last, s);
  if (how.topP < 1) {
    last = min(last, ranked.firstOf(part(how.topP, whole == 0 ? share : whole)));
    share = ranked.share(last, s);
  }
  return idOf(s.candidates[min(last, ranked.firstOf(drawn(how.draw, share)))]);
}

struct Located {
  u64 share;  // of all tokens up to the one that was looked for
  int id;
};

// Part of the ranking: the tokens with keys in [low, high], all of one bin.
struct Range {
  unsigned low;
  unsigned high;
  u64 count;
  u64 countBefore;
  u64 shareBefore;
  u64 shareEnd;
};

// Narrows a range to its part where the cumulative count or share reaches the target.
__device__ void zoom(const Row& row, const Bins& bins, double binUnit, bool byCount, u64 target,
                     Range& range, Shared& s) {
  int shift = max(0, 24 - __clz(range.high - range.low));
  __syncthreads();
  if (threadIdx.x < ZOOM_BINS) {
    s.zoom.count[threadIdx.x] = 0;
    s.zoom.mass[threadIdx.x] = 0;
  }
  __syncthreads();
  unsigned low = range.low, high = range.high;
  row.forAll([&](float x, int) {
    unsigned key = keyOf(x);
    if (key < low || key > high) return;
    unsigned at = (high - key) >> shift;
    double fixed = fma(bins.of(x).factor, MASS_UNITS, INTEGER);
    atomicAdd(&s.zoom.count[at], 1u);
    atomicAdd(&s.zoom.mass[at],
              static_cast<u64>(__double_as_longlong(fixed) - __double_as_longlong(INTEGER)));
  });
  __syncthreads();
  bool owns = threadIdx.x < ZOOM_BINS;
  u64 count = owns ? s.zoom.count[threadIdx.x] : 0;
  double mass = owns ? static_cast<double>(s.zoom.mass[threadIdx.x]) / MASS_UNITS : 0;
  u64 share = __double2ull_rn(mass * binUnit);
  count = range.countBefore + blockScan(count, s.scratch.integers);
  share = range.shareBefore + blockScan(share, s.scratch.integers);
  if (owns) {
    s.zoom.count[threadIdx.x] = static_cast<unsigned>(count);
    s.zoom.mass[threadIdx.x] = share;
  }
  __syncthreads();
  int at = byCount ? entriesBelow(s.zoom.count, ZOOM_BINS, target)
                   : entriesBelow(s.zoom.mass, ZOOM_BINS, target);
  at = min(at, entriesBelow(s.zoom.count, ZOOM_BINS, range.countBefore + range.count));
  if (at > 0) {
    range.countBefore = s.zoom.count[at - 1];
    range.shareBefore = s.zoom.mass[at - 1];
  }
  range.count = s.zoom.count[at] - range.countBefore;
  range.shareEnd = min(range.shareEnd, s.zoom.mass[at]);
  range.high -= static_cast<unsigned>(at) << shift;
  range.low = max(range.low, range.high - min(range.high, (1u << shift) - 1));
  __syncthreads();
}

// Id of the token that is the n-th, from 0, among those of one value.
__device__ int nthOf(const Row& row, float value, u64 n, Shared& s) {
  int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  u64 own = 0;
  row.forEach(row.piece(warp) + lane, row.piece(warp + 1), WARP,
              [&](float x, int) { own += x == value; });
  own = warpSum(own);
  if (lane == 0) s.scratch.integers[warp] = own;
  __syncthreads();
  int piece = 0;
  for (; piece < WARPS - 1 && n >= s.scratch.integers[piece]; piece++) {
    n -= s.scratch.integers[piece];
  }
  __syncthreads();
  own = 0;
  row.forPart(piece, [&](float x, int) { own += x == value; });
  u64 before = blockScan(own, s.scratch.integers) - own;
  row.forPart(piece, [&](float x, int id) {
    if (x == value && before++ == n) s.last = id;
  });
  __syncthreads();
  return s.last;
}

// Where the cumulative count or share of the ranking reaches the target.
__device__ Located locate(const Row& row, const Bins& bins, double unit, bool byCount, u64 target,
                          Shared& s) {
  int bin = byCount ? entriesBelow(s.count, BINS, target) : entriesBelow(s.mass, BINS, target);
  if (bin == BINS) return {s.mass[BINS - 1], -1};
  Range range;
  range.low = bins.smallestKey(bin);
  range.high = bin == 0 ? keyOf(static_cast<float>(bins.max)) : bins.smallestKey(bin - 1) - 1;
  range.countBefore = bin == 0 ? 0 : s.count[bin - 1];
  range.shareBefore = bin == 0 ? 0 : s.mass[bin - 1];
  range.count = s.count[bin] - range.countBefore;
  range.shareEnd = s.mass[bin];
  double binUnit = Bins::middle(bin) * unit;
  while (range.count > CANDIDATES && range.low < range.high) {
    zoom(row, bins, binUnit, byCount, target, range, s);
  }
  if (range.count > CANDIDATES) {
    u64 each = max(u64{1}, shareOf(range.low, bins, unit));
    u64 n = byCount ? target - range.countBefore
                    : (target - min(target, range.shareBefore) + each - 1) / each;
    n = min(max(n, u64{1}), range.count);
    int id = nthOf(row, valueOf(range.low), n - 1, s);
    return {min(range.shareEnd, range.shareBefore + n * each), id};
  }
  int n = gather(row, range.low, range.high, s);
  Ranked ranked(n, bins, unit, range.shareBefore, s);
  int at = byCount ? min(n, static_cast<int>(target - range.countBefore)) - 1
                   : ranked.firstOf(target);
  return {min(range.shareEnd, ranked.share(at, s)), idOf(s.candidates[at])};
}

// The draw with top-k or top-p.
__device__ int drawRanked(const Row& row, const Bins& bins, const Sampling& how, Shared& s) {
  int kept = how.topK > 0 ? how.topK : NO_TOKEN;
  for (bool masses = kept > CANDIDATES / 2;; masses = true) {
    double unit = makeHistogram(row, bins, masses, s);
    u64 whole = s.mass[BINS - 1];
    int cut = entriesBelow(s.count, BINS, kept);  // BINS where top-k leaves all tokens that weigh
    int bin = min(cut, BINS - 1);
    bool needsCut = false;
    if (masses && how.topP < 1) {
      int nucleus = entriesBelow(s.mass, BINS, part(how.topP, whole));
      needsCut = cut < BINS && nucleus < cut;
      bin = min(bin, nucleus);
    }
    if (s.count[bin] <= CANDIDATES && !needsCut) {
      return drawFromFew(row, bins, how, bin, unit, kept, cut < BINS ? 0 : whole, s);
    }
    if (masses) {
      if (cut < BINS) whole = locate(row, bins, unit, true, kept, s).share;
      u64 nucleus = whole;
      if (how.topP < 1) {
        nucleus = min(whole, locate(row, bins, unit, false, part(how.topP, whole), s).share);
      }
      return locate(row, bins, unit, false, drawn(how.draw, nucleus), s).id;
    }
    __syncthreads();
  }
}

}  // namespace sample
}  // namespace tilekv
