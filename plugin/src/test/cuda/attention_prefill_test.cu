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
// Prefill attention against its definition in double precision: all types and head dims, group sizes
// 1 to 16, tiles of 8 to 128 tokens, windows, chunks and decode rows mixed; the same bits for every
// way to cut the step.
#include "prefill_kernels.cuh"

using namespace test;

namespace {

// Tolerances of |out - reference| / |reference| per token and head. The weights are rounded to the
// element type before p.v, the output once more.
template <typename T>
double tolerance() {
  return std::is_same_v<T, float> ? 5e-6 : std::is_same_v<T, f16> ? 1.5e-3 : 1e-2;
}

template <typename T>
std::vector<T> attend(Kind kind, const PagedCase<T>& c, const std::vector<int4>& work) {
  Device<T> q(c.q), pool(c.pool);
  Device<int> table(c.pageTable);
  Device<int4> items(work);
  Device<PoolMap> map = makePoolMap(pool.get(), pool.size(), c.shape.headDim, c.shape.tileTokens);
  int outStride = c.shape.queryHeads() * c.shape.headDim;
  Device<T> out(static_cast<size_t>(c.tokens) * outStride);
  launchPrefill<T>(kind, {c.shape, c.maxTiles, q, out, pool, table, items, map, c.qStride, outStride},
                   nullptr);
  finishLaunch();
  return out.host();
}

template <typename T>
void checkKind(Kind kind, const PagedCase<T>& c, const std::vector<double>& want, Random& random,
               Report& report) {
  std::string name = std::string(kind == Kind::MMA ? "mma " : "tma ") + nameOf<T>() + " " + c.shape.text();
  std::vector<int> order(c.segments.size());
  for (size_t i = 0; i < order.size(); i++) order[i] = static_cast<int>(i);
  int most = rowsOfItem(kind) / c.shape.groupSize;
  std::vector<T> out = attend(kind, c, c.work(order, most));
  double worst = 0;
  for (size_t i = 0; i < want.size(); i += c.shape.headDim) {
    worst = std::max(worst, relativeError(&out[i], &want[i], c.shape.headDim));
  }
  report.expectBelow(worst, tolerance<T>(), name);
  report.expect(sameBits(out, attend(kind, c, c.work(order, most))), name + ": run twice");
  std::shuffle(order.begin(), order.end(), random.engine());
  std::vector<int4> other = c.work(order, random.between(1, most));
  other.push_back({0, 0, 0, 0});
  report.expect(sameBits(out, attend(kind, c, other)), name + ": cut otherwise");
  report.expect(sameBits(out, attend(kind, c, c.work(order, 1))), name + ": token by token");
}

std::vector<Kind> kinds = {Kind::MMA, Kind::TMA};

template <typename T>
void check(const Shape& shape, Random& random, Report& report) {
  std::vector<Segment> segments;
  int count = random.between(1, 5);
  for (int s = 0; s < count; s++) {
    bool decode = random.between(0, 2) == 0;
    segments.push_back({s, random.between(0, 2) == 0 ? 0 : random.between(0, 300),
                        decode ? 1 : random.between(1, 90)});
  }
  PagedCase<T> c(shape, segments, random);
  std::vector<double> want = c.reference();
  for (Kind kind : kinds) {
    if (exists<T>(kind, shape.headDim)) checkKind(kind, c, want, random, report);
  }
}

template <typename T>
void checkType(Random& random, Report& report) {
  const int tiles[] = {8, 16, 32, 64, 128};
  for (int headDim : {32, 64, 80, 96, 128, 256}) {
    for (int i = 0; i < 6; i++) {
      int window = i % 2 == 0 ? 0 : random.between(1, 200);
      check<T>({headDim, random.between(1, 3), random.between(1, 16), tiles[random.between(0, 4)],
                window}, random, report);
    }
  }
  for (int group = 1; group <= 16; group++) {
    check<T>({64, 2, group, 16, group % 3 == 0 ? 70 : 0}, random, report);
    check<T>({128, 1, group, 32, group % 3 == 1 ? 33 : 0}, random, report);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) kinds = kindsNamed(argv[1]);
  unsigned seed = argc > 2 ? std::atoi(argv[2]) : 20240611;
  std::printf("seed %u\n", seed);
  Random random(seed);
  Report report;
  checkType<float>(random, report);
  checkType<f16>(random, report);
  checkType<bf16>(random, report);
  return report.finish("attention_prefill");
}
