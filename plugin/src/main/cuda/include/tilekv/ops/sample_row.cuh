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
// What drawing a token needs of a row of logits: reading it, the bins of its weights, block sums.
#pragma once

#include "tilekv/numeric.cuh"

namespace tilekv {

using u64 = unsigned long long;

// How to draw the token of a row; a temperature of 0 leaves the row alone.
struct Sampling {
  double temperature;
  double topP;  // in (0, 1]
  double draw;  // in [0, 1)
  int topK;     // 0 for all
  int unused;
};

namespace sample {

constexpr int BLOCK = 512;
constexpr int WARPS = BLOCK / WARP;
constexpr int BINS = 2048;
constexpr int BINS_PER_E = 32;  // so many bins for a factor of e
constexpr int ZOOM_BINS = 256;
constexpr int CANDIDATES = 2048;
constexpr int BATCH = 4;  // loads that a thread has under way
constexpr int UNIT = 4;   // logits of a load
constexpr int NO_TOKEN = 0x7fffffff;
constexpr double ROUNDER = 6755399441055744.0;   // 1.5 * 2^52: adding it rounds to an integer
constexpr double INTEGER = 4503599627370496.0;   // 2^52: adding it makes the low bits an integer
constexpr double MASS_UNITS = 8796093022208.0;   // 2^43 for the weight of a bin's middle
constexpr double FEW_SHARES = 2251799813685248.0;  // 2^51 for the weight of the maximum
constexpr double ALL_SHARES = 2305843009213693952.0;  // 2^61 for the whole row

static_assert(BINS % BLOCK == 0 && CANDIDATES % BLOCK == 0 && ZOOM_BINS <= BLOCK, "");

struct Shared {
  union {
    double middle[BINS];  // weights of the bins' middles
    u64 mass[BINS];       // masses, in units of each bin's own; then cumulative shares
  };
  unsigned count[BINS];  // then cumulative
  union {
    u64 candidates[CANDIDATES];
    struct {
      u64 mass[ZOOM_BINS];
      unsigned count[ZOOM_BINS];
    } zoom;
  };
  union {
    u64 integers[WARPS];
    double numbers[WARPS];
  } scratch;
  u64 picked;
  int gathered;
  int first;
  int last;
};

// A row of logits, read four at a time. Unit u holds ids from UNIT * u - shift; the first and the
// last unit may reach over the row's ends, where NaN stands.
struct Row {
  const float* logits;
  int vocab;
  int shift;
  int units;

  __device__ Row(const float* from, int n) : logits(from), vocab(n) {
    shift = static_cast<int>(reinterpret_cast<unsigned long long>(from) / sizeof(float) % UNIT);
    units = (vocab + shift + UNIT - 1) / UNIT;
  }

  __device__ int id(int unit) const { return UNIT * unit - shift; }

  __device__ float4 inner(int unit) const {
    return *reinterpret_cast<const float4*>(logits + id(unit));
  }

  __device__ float at(int i) const { return i >= 0 && i < vocab ? logits[i] : nan(); }

  __device__ float4 any(int unit) const {
    int i = id(unit);
    return make_float4(at(i), at(i + 1), at(i + 2), at(i + 3));
  }

  static __device__ float nan() { return __int_as_float(0x7fffffff); }

  template <typename F>
  static __device__ __forceinline__ void each(float4 x, int id, F f) {
    f(x.x, id);
    f(x.y, id + 1);
    f(x.z, id + 2);
    f(x.w, id + 3);
  }

  // f(logit, id) of the units begin, begin + step, ... below end; `f` must let NaN pass.
  template <typename F>
  __device__ __forceinline__ void forEach(int begin, int end, int step, F f) const {
    for (int u = begin; u < end; u += BATCH * step) {
      float4 x[BATCH];
#pragma unroll
      for (int j = 0; j < BATCH; j++) {
        int unit = u + j * step;
        bool inside = unit > 0 && unit < min(end, units - 1);
        x[j] = inside ? inner(unit) : make_float4(nan(), nan(), nan(), nan());
      }
#pragma unroll
      for (int j = 0; j < BATCH; j++) each(x[j], id(u + j * step), f);
    }
    int tail = units - 1;
    if (begin == 0 && end > 0) each(any(0), id(0), f);
    if (tail > 0 && tail >= begin && tail < end && (tail - begin) % step == 0) {
      each(any(tail), id(tail), f);
    }
  }

  // f(logit, id) of the whole row, by the whole block.
  template <typename F>
  __device__ __forceinline__ void forAll(F f) const {
    forEach(threadIdx.x, units, BLOCK, f);
  }

  // Consecutive pieces of the row, one per warp.
  __device__ int piece(int warp) const {
    return min(units, warp * ((units + WARPS - 1) / WARPS));
  }

  // f(logit, id) in the order of ids: each thread has a consecutive part of a piece.
  template <typename F>
  __device__ __forceinline__ void forPart(int warp, F f) const {
    int begin = piece(warp), end = piece(warp + 1);
    int part = (end - begin + BLOCK - 1) / BLOCK;
    int from = begin + threadIdx.x * part;
    for (int u = from; u < min(end, from + part); u++) each(any(u), id(u), f);
  }
};

// Order of the logits as unsigned integers; 0 and -0 are one, NaN is above all numbers.
__device__ __forceinline__ unsigned keyOf(float x) {
  unsigned bits = __float_as_uint(x + 0.f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float valueOf(unsigned key) {
  return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

struct Binned {
  int bin;
  double factor;  // weight / weight of the bin's middle
};

// The bins of a row. Every function falls with x, rounding included.
struct Bins {
  double max;
  double perLogit;
  float lowest;  // what is below weighs nothing

  __device__ Bins(float largest, double temperature) : max(largest) {
    perLogit = fmin(BINS_PER_E / temperature, 1e300);
    lowest = __double2float_ru(max - (BINS - 2) / perLogit);
  }

  __device__ __forceinline__ double offset(float x) const {
    return __dmul_rn(__dadd_rn(max, -static_cast<double>(x)), perLogit);
  }

  __device__ __forceinline__ int bin(float x) const {
    return __double2loint(__dadd_rn(offset(x), ROUNDER));
  }

  __device__ __forceinline__ Binned of(float x) const {
    double exact = offset(x);
    double rounded = __dadd_rn(exact, ROUNDER);
    double z = __dadd_rn(exact, -__dadd_rn(rounded, -ROUNDER)) * (-1.0 / BINS_PER_E);
    double y = fma(z, 1.0 / 720, 1.0 / 120);
    y = fma(y, z, 1.0 / 24);
    y = fma(y, z, 1.0 / 6);
    y = fma(y, z, 0.5);
    y = fma(y, z, 1.0);
    return {__double2loint(rounded), fma(y, z, 1.0)};
  }

  static __device__ double middle(int bin) {
    return exp(-static_cast<double>(bin) / BINS_PER_E);
  }

  // Smallest key whose bin is `bin` or one before it.
  __device__ unsigned smallestKey(int bin) const {
    unsigned low = keyOf(lowest), high = keyOf(static_cast<float>(max));
    while (low < high) {
      unsigned between = low + (high - low) / 2;
      if (this->bin(valueOf(between)) <= bin) {
        high = between;
      } else {
        low = between + 1;
      }
    }
    return low;
  }
};

template <typename V>
__device__ __forceinline__ V warpSum(V x) {
#pragma unroll
  for (int step = WARP / 2; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  return x;
}

// Inclusive sums over the block, in a fixed order.
template <typename V>
__device__ V blockScan(V x, V* scratch) {
  int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
#pragma unroll
  for (int step = 1; step < WARP; step *= 2) {
    V before = __shfl_up_sync(ALL_LANES, x, step);
    if (lane >= step) x += before;
  }
  if (lane == WARP - 1) scratch[warp] = x;
  __syncthreads();
  V base = 0;
  for (int w = 0; w < warp; w++) base += scratch[w];
  __syncthreads();
  return base + x;
}

template <typename V>
__device__ V blockTotal(V x, V* scratch) {
  x = warpSum(x);
  if (threadIdx.x % WARP == 0) scratch[threadIdx.x / WARP] = x;
  __syncthreads();
  V total = 0;
  for (int w = 0; w < WARPS; w++) total += scratch[w];
  __syncthreads();
  return total;
}

// Entries of a rising array that are below a target: the index of the first that is not.
template <typename V>
__device__ int entriesBelow(const V* rising, int n, u64 target) {
  int below = 0;
  for (int first = 0; first < n; first += BLOCK) {
    int i = first + threadIdx.x;
    below += __syncthreads_count(i < n && rising[i] < target);
  }
  return below;
}

}  // namespace sample
}  // namespace tilekv
