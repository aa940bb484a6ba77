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
// Decode attention of rows that share prefixes, the shared part read once, against its definition in
// double precision.
#include "prefix_kernels.cuh"

using namespace test;

namespace {

template <typename T>
double tolerance() {
  return std::is_same_v<T, f16> ? 1.5e-3 : 1e-2;
}

struct Group {
  std::vector<int> sharers;
  int keys;
  int parts;
};

// Makes rows read the pages of their group's first row.
template <typename T>
void share(PagedCase<T>& c, const Group& group) {
  for (int row : group.sharers) {
    for (int head = 0; head < c.shape.kvHeads; head++) {
      for (int t = 0; t < group.keys / c.shape.tileTokens; t++) {
        int from = (group.sharers[0] * c.shape.kvHeads + head) * c.maxTiles + t;
        c.pageTable[(row * c.shape.kvHeads + head) * c.maxTiles + t] = c.pageTable[from];
      }
    }
  }
}

template <typename T>
void check(const Shape& shape, Random& random, Report& report) {
  int step = PrefixWork::blockKeys(shape.headDim);
  std::vector<Segment> segments;
  std::vector<Group> groups;
  int groupCount = random.between(1, 3);
  for (int g = 0; g < groupCount; g++) {
    Group group;
    int blocks = random.between(1, 6);
    group.keys = blocks * step;
    group.parts = random.between(1, std::min(blocks, 5));
    int members = random.between(2, 2 + 256 / shape.groupSize / groupCount);
    for (int i = 0; i < members; i++) {
      group.sharers.push_back(static_cast<int>(segments.size()));
      segments.push_back({group.sharers.back(), group.keys + random.between(0, 200), 1});
    }
    groups.push_back(group);
  }
  for (int i = random.between(0, 3); i > 0; i--) {
    segments.push_back({static_cast<int>(segments.size()), random.between(0, 700), 1});
  }
  PagedCase<T> c(shape, segments, random);
  std::vector<DecodeToken> tokens;
  for (const Segment& s : segments) tokens.push_back({s.row, s.start});
  PrefixWork work;
  int parts = 1;
  for (Group& group : groups) {
    share(c, group);
    work.add(shape, group.sharers[0], group.keys, group.parts, group.sharers);
    for (int row : group.sharers) {
      tokens[row].firstKey = group.keys;
      tokens[row].prefixParts = group.parts;
    }
    parts = std::max(parts, group.parts);
  }
  std::vector<double> want = c.reference();
  Device<T> q(c.q), pool(c.pool);
  Device<int> table(c.pageTable);
  Device<PoolMap> map = makePoolMap(pool.get(), pool.size(), shape.headDim, shape.tileTokens);
  Device<int4> plan(decodePlan(tokens, 0));
  int outStride = shape.queryHeads() * shape.headDim;
  int rows = static_cast<int>(tokens.size());
  Device<T> out(static_cast<size_t>(rows) * outStride);
  DecodeLaunch<T> decode(shape);
  Device<float> partials(partialFloats(shape, decode.blocks)), prefix(prefixFloats(shape, rows, parts));
  Device<int> arrivals(std::vector<int>(rows * shape.kvHeads, 0));
  decode.b = {shape, c.maxTiles, q.get(), out.get(), pool.get(), table.get(), plan.get(), rows,
              partials.get(), arrivals.get(), prefix.get(), rows, c.qStride, outStride};
  PrefixLaunch<T> shared(shape, work);
  std::vector<T> first;
  for (int run = 0; run < 2; run++) {
    out.poison();
    prefix.poison();
    shared.run(nullptr, decode.b, map.get());
    decode.run(nullptr);
    finishLaunch();
    if (run == 0) first = out.host();
  }
  std::string name = std::string(nameOf<T>()) + " " + shape.text() + " rows=" + std::to_string(rows) +
                     " groups=" + std::to_string(groupCount);
  report.expect(sameBits(first, out.host()), name + ": run twice");
  double worst = 0;
  for (size_t i = 0; i < want.size(); i += shape.headDim) {
    worst = std::max(worst, relativeError(&first[i], &want[i], shape.headDim));
  }
  report.expectBelow(worst, tolerance<T>(), name);
}

template <typename T>
void checkType(Random& random, Report& report) {
  const int tiles[] = {8, 16, 32, 64, 128};
  for (int headDim : {64, 128, 256}) {
    for (int group = 1; group <= 16; group++) {
      check<T>({headDim, random.between(1, 3), group, headDim == 256 ? tiles[random.between(0, 3)] : tiles[random.between(0, 4)], 0},
               random, report);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  unsigned seed = argc > 1 ? std::atoi(argv[1]) : 20240611;
  std::printf("seed %u\n", seed);
  Random random(seed);
  Report report;
  checkType<f16>(random, report);
  checkType<bf16>(random, report);
  return report.finish("attention_prefix");
}
