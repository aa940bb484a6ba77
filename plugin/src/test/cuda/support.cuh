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
// Small tools of the kernel tests: device buffers, seeded random numbers, comparison, timing.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tilekv/numeric.cuh"

#define CHECK_CUDA(call)                                                                       \
  do {                                                                                         \
    cudaError_t status = (call);                                                               \
    if (status != cudaSuccess) {                                                               \
      std::printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(status));   \
      std::exit(2);                                                                            \
    }                                                                                          \
  } while (0)

namespace test {

using tilekv::bf16;
using tilekv::f16;

inline double toDouble(float x) { return x; }
inline double toDouble(f16 x) { return __half2float(x); }
inline double toDouble(bf16 x) { return __bfloat162float(x); }

template <typename T>
T rounded(double x) {
  if constexpr (std::is_same_v<T, float>) return static_cast<float>(x);
  if constexpr (std::is_same_v<T, f16>) return __float2half_rn(static_cast<float>(x));
  if constexpr (std::is_same_v<T, bf16>) return __float2bfloat16_rn(static_cast<float>(x));
}

template <typename T>
constexpr const char* nameOf() {
  return std::is_same_v<T, float> ? "f32" : std::is_same_v<T, f16> ? "f16" : "bf16";
}

// Device memory of n elements, filled with the byte 0xFF (NaN in every float type, -1 in int).
template <typename T>
class Device {
 public:
  explicit Device(size_t n) : n_(n) {
    CHECK_CUDA(cudaMalloc(&data_, std::max<size_t>(n, 1) * sizeof(T)));
    poison();
  }
  explicit Device(const std::vector<T>& host) : Device(host.size()) { set(host); }
  Device(const Device&) = delete;
  ~Device() { cudaFree(data_); }

  T* get() const { return data_; }
  size_t size() const { return n_; }
  void poison() { CHECK_CUDA(cudaMemset(data_, 0xFF, n_ * sizeof(T))); }
  void set(const std::vector<T>& host) {
    CHECK_CUDA(cudaMemcpy(data_, host.data(), n_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  std::vector<T> host() const {
    std::vector<T> copy(n_);
    CHECK_CUDA(cudaMemcpy(copy.data(), data_, n_ * sizeof(T), cudaMemcpyDeviceToHost));
    return copy;
  }

 private:
  T* data_ = nullptr;
  size_t n_;
};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int between(int low, int high) { return low + static_cast<int>(engine_() % (high - low + 1)); }
  double normal() { return normal_(engine_); }
  template <typename T>
  std::vector<T> normals(size_t n, double scale = 1) {
    std::vector<T> x(n);
    for (T& value : x) value = rounded<T>(scale * normal());
    return x;
  }
  std::mt19937& engine() { return engine_; }

 private:
  std::mt19937 engine_;
  std::normal_distribution<double> normal_;
};

// Runs body(0) .. body(n - 1) on all cores.
inline void parallel(int n, const std::function<void(int)>& body) {
  std::atomic<int> next{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); t++) {
    threads.emplace_back([&] {
      for (int i = next++; i < n; i = next++) body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// |got - want| / |want| over a range; NaN counts as infinite.
template <typename T>
double relativeError(const T* got, const double* want, size_t n) {
  double difference = 0, norm = 1e-30;
  for (size_t i = 0; i < n; i++) {
    double d = toDouble(got[i]) - want[i];
    difference += d * d;
    norm += want[i] * want[i];
  }
  double error = std::sqrt(difference / norm);
  return std::isnan(error) ? INFINITY : error;
}

template <typename T>
bool sameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Counts checks and prints the failed ones.
class Report {
 public:
  void expect(bool ok, const std::string& what) {
    checks_++;
    if (ok) return;
    if (failures_++ < 20) std::printf("FAILED %s\n", what.c_str());
  }
  void expectBelow(double value, double limit, const std::string& what) {
    worst_ = std::max(worst_, value / limit);
    char text[64];
    std::snprintf(text, sizeof text, ": %.3g, allowed %.3g", value, limit);
    expect(value <= limit, what + text);
  }
  int finish(const char* name) const {
    std::printf("%s: %d checks, %d failed, worst error %.2f of the tolerance\n", name, checks_,
                failures_, worst_);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  int checks_ = 0;
  int failures_ = 0;
  double worst_ = 0;
};

inline void finishLaunch() {
  CHECK_CUDA(cudaGetLastError());
  CHECK_CUDA(cudaDeviceSynchronize());
}

// Median microseconds of one call: `calls` of them captured in a graph, replayed `replays` times.
inline double medianMicros(int calls, int replays, const std::function<void(cudaStream_t, int)>& call) {
  cudaStream_t stream;
  CHECK_CUDA(cudaStreamCreate(&stream));
  cudaGraph_t graph;
  cudaGraphExec_t executable;
  CHECK_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < calls; i++) call(stream, i);
  CHECK_CUDA(cudaStreamEndCapture(stream, &graph));
  CHECK_CUDA(cudaGraphInstantiate(&executable, graph, 0));
  cudaEvent_t start, stop;
  CHECK_CUDA(cudaEventCreate(&start));
  CHECK_CUDA(cudaEventCreate(&stop));
  CHECK_CUDA(cudaGraphLaunch(executable, stream));
  std::vector<float> times(replays);
  for (float& milliseconds : times) {
    CHECK_CUDA(cudaEventRecord(start, stream));
    CHECK_CUDA(cudaGraphLaunch(executable, stream));
    CHECK_CUDA(cudaEventRecord(stop, stream));
    CHECK_CUDA(cudaEventSynchronize(stop));
    CHECK_CUDA(cudaEventElapsedTime(&milliseconds, start, stop));
  }
  std::sort(times.begin(), times.end());
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(graph);
  cudaEventDestroy(start);
  cudaEventDestroy(stop);
  cudaStreamDestroy(stream);
  return 1000.0 * times[replays / 2] / calls;
}

}  // namespace test
