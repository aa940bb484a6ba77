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
// Drawn tokens against a plain loop that sorts the row; the same in every run, and for a row alone.
// sampling_test [SEED [LARGEST VOCABULARY]]
#include "../../main/cuda/decoder_ops.cu"
#include "sampling_case.cuh"
#include "support.cuh"

using namespace test;

namespace {

std::vector<int> draw(const SamplingCase& c, const Device<float>& x,
                      const Device<tilekv::Sampling>& how, int first, int rows) {
  Device<int> chosen(rows);
  const float* from = x.get() + c.skip + static_cast<size_t>(first) * c.stride;
  tilekv_argmax_f32<<<rows, 1024>>>(from, chosen.get(), c.vocab, c.stride);
  tilekv_sample_f32<<<rows, tilekv::sample::BLOCK>>>(from, how.get() + first, chosen.get(), c.vocab,
                                                     c.stride);
  finishLaunch();
  return chosen.host();
}

void check(int vocab, unsigned seed, Report& report) {
  SamplingCase c(vocab, vocab + static_cast<int>(seed % 7), seed);
  Device<float> x(c.logits);
  Device<tilekv::Sampling> how(c.sampling);
  std::vector<int> tokens = draw(c, x, how, 0, c.rows);
  report.expect(sameBits(tokens, draw(c, x, how, 0, c.rows)), "the same tokens in every run");
  std::vector<std::string> wrong(c.rows);
  parallel(c.rows, [&](int r) { wrong[r] = c.check(r, tokens[r]); });
  for (int r = 0; r < c.rows; r++) {
    report.expect(wrong[r].empty(), wrong[r]);
    report.expect(draw(c, x, how, r, 1)[0] == tokens[r], c.name(r) + ": another token alone");
  }
}

}  // namespace

int main(int argc, char** argv) {
  unsigned seed = argc > 1 ? std::atoi(argv[1]) : 20240612;
  int largest = argc > 2 ? std::atoi(argv[2]) : 1 << 20;
  std::printf("seed %u\n", seed);
  Report report;
  for (int vocab : {1, 2, 5, 17, 300, 2047, 5000, 32000, 50257, 128256, 262144}) {
    if (vocab > largest) continue;
    int rounds = vocab < 10000 ? 20 : 2;
    for (int i = 0; i < rounds; i++) check(vocab, seed++, report);
  }
  return report.finish("sampling");
}
