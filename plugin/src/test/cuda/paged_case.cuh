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
// A random cache for attention tests: tiles behind a shuffled page table, segments with queries, and
// the definition of attention in double precision.
#pragma once

#include "support.cuh"

namespace test {

struct Shape {
  int headDim;
  int kvHeads;
  int groupSize;
  int tileTokens;
  int window;
  int layers = 2;
  int layer = 1;

  int queryHeads() const { return kvHeads * groupSize; }
  int tileElements() const { return layers * 2 * tileTokens * headDim; }
  int tileTokensLog2() const { return static_cast<int>(std::log2(tileTokens) + 0.5); }
  float scale() const { return 1.f / std::sqrt(static_cast<float>(headDim)); }
  std::string text() const {
    char s[128];
    std::snprintf(s, sizeof s, "d=%d kvHeads=%d group=%d tile=%d window=%d", headDim, kvHeads,
                  groupSize, tileTokens, window);
    return s;
  }
};

struct Segment {
  int row;
  int start;
  int count;
};

// K and V of every position that a segment's row still has tiles for are present, everything else in
// the pool is NaN.
template <typename T>
struct PagedCase {
  Shape shape;
  std::vector<Segment> segments;
  int maxTiles = 0;
  int rows = 0;
  int tokens = 0;
  int qStride;
  std::vector<T> pool, q;
  std::vector<int> pageTable;

  PagedCase(const Shape& shape, const std::vector<Segment>& segments, Random& random)
      : shape(shape), segments(segments), qStride(shape.queryHeads() * shape.headDim + 16) {
    for (const Segment& s : segments) {
      rows = std::max(rows, s.row + 1);
      maxTiles = std::max(maxTiles, (s.start + s.count - 1) / shape.tileTokens + 1);
      tokens += s.count;
    }
    maxTiles += random.between(0, 2);
    fillTable(random);
    q = random.normals<T>(static_cast<size_t>(tokens) * qStride);
  }

  size_t key(int row, int head, int position) const {
    int tile = position / shape.tileTokens;
    int page = pageTable[(row * shape.kvHeads + head) * maxTiles + tile];
    return static_cast<size_t>(page) * shape.tileElements() +
           (static_cast<size_t>(2 * shape.layer) * shape.tileTokens + position % shape.tileTokens) *
               shape.headDim;
  }
  size_t value(int row, int head, int position) const {
    return key(row, head, position) + shape.tileTokens * shape.headDim;
  }

  // Entries of the work list; `order` of the segments, items of at most `most` tokens.
  std::vector<int4> work(const std::vector<int>& order, int most) const {
    std::vector<int> offsets;
    int offset = 0;
    for (const Segment& s : segments) {
      offsets.push_back(offset);
      offset += s.count;
    }
    std::vector<int4> items;
    for (int s : order) {
      for (int i = 0; i < segments[s].count; i += most) {
        items.push_back({segments[s].row, segments[s].start + i, offsets[s] + i,
                         std::min(most, segments[s].count - i)});
      }
    }
    return items;
  }

  // [tokens][queryHeads][headDim]
  std::vector<double> reference() const {
    int d = shape.headDim;
    std::vector<double> out(static_cast<size_t>(tokens) * shape.queryHeads() * d);
    int offset = 0;
    for (const Segment& s : segments) {
      parallel(s.count * shape.queryHeads(), [&](int i) {
        int token = i / shape.queryHeads();
        int head = i % shape.queryHeads();
        attendOne(s.row, s.start + token, head,
                  &q[static_cast<size_t>(offset + token) * qStride + head * d],
                  &out[(static_cast<size_t>(offset + token) * shape.queryHeads() + head) * d]);
      });
      offset += s.count;
    }
    return out;
  }

 private:
  void fillTable(Random& random) {
    pageTable.assign(rows * shape.kvHeads * maxTiles, -1);
    std::vector<int> used;
    for (const Segment& s : segments) {
      int last = (s.start + s.count - 1) / shape.tileTokens;
      int first = shape.window == 0 ? 0 : std::max(0, s.start - shape.window + 1) / shape.tileTokens;
      for (int head = 0; head < shape.kvHeads; head++) {
        for (int t = first; t <= last; t++) used.push_back((s.row * shape.kvHeads + head) * maxTiles + t);
      }
    }
    std::vector<int> pages(used.size() + 3);
    for (size_t i = 0; i < pages.size(); i++) pages[i] = static_cast<int>(i);
    std::shuffle(pages.begin(), pages.end(), random.engine());
    for (size_t i = 0; i < used.size(); i++) pageTable[used[i]] = pages[i];
    pool.resize(pages.size() * shape.tileElements());
    std::memset(static_cast<void*>(pool.data()), 0xFF, pool.size() * sizeof(T));
    for (const Segment& s : segments) {
      int first = shape.window == 0 ? 0 : std::max(0, s.start - shape.window + 1);
      first -= first % shape.tileTokens;
      for (int head = 0; head < shape.kvHeads; head++) {
        for (int p = first; p < s.start + s.count; p++) {
          for (int d = 0; d < shape.headDim; d++) {
            pool[key(s.row, head, p) + d] = rounded<T>(random.normal());
            pool[value(s.row, head, p) + d] = rounded<T>(random.normal());
          }
        }
      }
    }
  }

  void attendOne(int row, int position, int head, const T* query, double* out) const {
    int first = shape.window == 0 ? 0 : std::max(0, position - shape.window + 1);
    std::vector<double> weights(position - first + 1);
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < weights.size(); i++) {
      size_t k = key(row, head / shape.groupSize, first + i);
      double dot = 0;
      for (int d = 0; d < shape.headDim; d++) dot += toDouble(query[d]) * toDouble(pool[k + d]);
      weights[i] = dot * shape.scale();
      top = std::max(top, weights[i]);
    }
    for (double& w : weights) sum += w = std::exp(w - top);
    for (int d = 0; d < shape.headDim; d++) out[d] = 0;
    for (size_t i = 0; i < weights.size(); i++) {
      size_t v = value(row, head / shape.groupSize, first + i);
      for (int d = 0; d < shape.headDim; d++) out[d] += weights[i] / sum * toDouble(pool[v + d]);
    }
  }
};

}  // namespace test
