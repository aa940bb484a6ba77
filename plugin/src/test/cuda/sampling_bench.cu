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
// Microseconds of drawing tokens, beside argmax over the same rows, which comes before.
#include "../../main/cuda/decoder_ops.cu"
#include "support.cuh"

using namespace test;

namespace {

constexpr int VOCAB = 128256;

void bench(const char* logits, const Device<float>& x, int rows) {
  struct Kind {
    const char* name;
    double temperature, topP;
    int topK;
  };
  Device<int> best(rows), chosen(rows);
  Random random(2);
  std::printf("%d rows of %d logits, %s:\n", rows, VOCAB, logits);
  auto argmax = [&](cudaStream_t s, int) {
    tilekv_argmax_f32<<<rows, 1024, 0, s>>>(x.get(), best.get(), VOCAB, VOCAB);
  };
  std::printf("  %-24s %8.1f us\n", "argmax", medianMicros(10, 9, argmax));
  for (Kind kind : {Kind{"greedy rows", 0, 1, 0}, Kind{"temperature 0.8", 0.8, 1, 0},
                    Kind{"top-k 50", 0.8, 1, 50}, Kind{"top-k 5000", 0.8, 1, 5000},
                    Kind{"top-p 0.95", 0.8, 0.95, 0},
                    Kind{"top-k 50, top-p 0.95", 0.8, 0.95, 50}}) {
    std::vector<tilekv::Sampling> how;
    for (int r = 0; r < rows; r++) {
      how.push_back({kind.temperature, kind.topP, random.between(0, 999) / 1000., kind.topK, 0});
    }
    Device<tilekv::Sampling> sampling(how);
    CHECK_CUDA(cudaMemcpy(chosen.get(), best.get(), rows * sizeof(int), cudaMemcpyDeviceToDevice));
    // Drawing again needs what argmax found, so it goes on from a copy.
    double micros = medianMicros(10, 9, [&](cudaStream_t s, int) {
      CHECK_CUDA(cudaMemcpyAsync(chosen.get(), best.get(), rows * sizeof(int),
                                 cudaMemcpyDeviceToDevice, s));
      tilekv_sample_f32<<<rows, tilekv::sample::BLOCK, 0, s>>>(x.get(), sampling.get(),
                                                               chosen.get(), VOCAB, VOCAB);
    });
    std::printf("  %-24s %8.1f us\n", kind.name, micros);
  }
}

}  // namespace

int main() {
  cudaDeviceProp device;
  CHECK_CUDA(cudaGetDeviceProperties(&device, 0));
  std::printf("%s\n", device.name);
  Random random(1);
  std::vector<float> some = random.normals<float>(1 << 22);
  for (double scale : {2.0, 4.0, 0.3}) {
    std::vector<float> logits(size_t{256} * VOCAB);
    for (size_t i = 0; i < logits.size(); i++) {
      logits[i] = static_cast<float>(scale * some[(i * 7 + i / some.size()) % some.size()]);
    }
    Device<float> x(logits);
    char text[64];
    std::snprintf(text, sizeof text, "normal with deviation %g", scale);
    for (int rows : {256, 32, 1}) bench(text, x, rows);
  }
}
