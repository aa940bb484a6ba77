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
// Decode attention against its definition in double precision: all types and head dims, group sizes 1
// to 16, tiles of 8 to 128 tokens, windows, short and long contexts, padded steps.
#include "decode_kernels.cuh"

using namespace test;

namespace {

// Tolerances of |out - reference| / |reference| per token and head, as for prefill.
template <typename T>
double tolerance() {
  return std::is_same_v<T, f16> ? 1.5e-3 : 1e-2;
}

template <typename T>
struct Run {
  const PagedCase<T>& c;
  Device<T> q, pool;
  Device<int> table;
  int outStride;

  explicit Run(const PagedCase<T>& c)
      : c(c),
        q(c.q),
        pool(c.pool),
        table(c.pageTable),
        outStride(c.shape.queryHeads() * c.shape.headDim) {}

  // `padding` rows without keys come behind; `blocks` replaces the grid unless 0.
  std::vector<T> attend(int padding, int blocks, Report& report) {
    std::vector<DecodeToken> tokens;
    for (const Segment& s : c.segments) tokens.push_back({s.row, s.start});
    for (int i = 0; i < padding; i++) tokens.push_back({0, -1});
    Device<int4> plan(decodePlan(tokens, c.shape.window));
    DecodeLaunch<T> launch(c.shape);
    if (blocks > 0) launch.blocks = blocks;
    Device<float> partials(partialFloats(c.shape, launch.blocks));
    Device<int> arrivals(std::vector<int>(tokens.size() * c.shape.kvHeads, 0));
    Device<T> out(static_cast<size_t>(c.tokens) * outStride);
    launch.b = {c.shape, c.maxTiles, q.get(), out.get(), pool.get(), table.get(), plan.get(),
                static_cast<int>(tokens.size()), partials.get(), arrivals.get(), nullptr, 0, c.qStride,
                outStride};
    launch.run(nullptr);
    finishLaunch();
    for (int count : arrivals.host()) report.expect(count == 0, "arrivals are back at zero");
    return out.host();
  }
};

template <typename T>
void checkCase(const PagedCase<T>& c, const std::vector<double>& want, Random& random,
               Report& report) {
  std::string name = std::string(nameOf<T>()) + " " +
                     c.shape.text() + " rows=" + std::to_string(c.segments.size());
  Run<T> run(c);
  auto check = [&](const std::vector<T>& out, const std::string& what) {
    double worst = 0;
    for (size_t i = 0; i < want.size(); i += c.shape.headDim) {
      worst = std::max(worst, relativeError(&out[i], &want[i], c.shape.headDim));
    }
    report.expectBelow(worst, tolerance<T>(), name + what);
  };
  std::vector<T> out = run.attend(0, 0, report);
  check(out, "");
  report.expect(sameBits(out, run.attend(0, 0, report)), name + ": run twice");
  check(run.attend(random.between(1, 9), 0, report), " padded");
  for (int blocks : {1, 2, random.between(3, 40)}) {
    check(run.attend(0, blocks, report), " grid=" + std::to_string(blocks));
  }
}

template <typename T>
void check(const Shape& shape, Random& random, Report& report) {
  std::vector<Segment> segments;
  int count = random.between(1, 12);
  for (int s = 0; s < count; s++) {
    segments.push_back({s, random.between(0, random.between(0, 3) == 0 ? 3000 : 300), 1});
  }
  PagedCase<T> c(shape, segments, random);
  std::vector<double> want = c.reference();
  checkCase(c, want, random, report);
}

template <typename T>
void checkType(Random& random, Report& report) {
  const int tiles[] = {8, 16, 32, 64, 128};
  for (int headDim : {32, 64, 80, 96, 128, 256}) {
    for (int i = 0; i < 6; i++) {
      int window = i % 2 == 0 ? 0 : random.between(1, 400);
      check<T>({headDim, random.between(1, 3), random.between(1, 16), tiles[random.between(0, 4)],
                window}, random, report);
    }
  }
  for (int group = 1; group <= 16; group++) {
    check<T>({64, 2, group, 16, group % 3 == 0 ? 70 : 0}, random, report);
    check<T>({128, 1, group, 64, group % 3 == 1 ? 33 : 0}, random, report);
  }
}

}  // namespace

int main(int argc, char** argv) {
  unsigned seed = argc > 1 ? std::atoi(argv[1]) : 20240611;
  std::printf("seed %u\n", seed);
  Random random(seed);
  Report report;
  if (argc > 2) {
    // A few cases, for checkers that take their time.
    for (int headDim : {64, 128}) check<f16>({headDim, 2, 4, 16, 0}, random, report);
  } else {
    checkType<f16>(random, report);
    checkType<bf16>(random, report);
  }
  return report.finish("attention_decode");
}
