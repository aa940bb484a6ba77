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
// The element-wise kernels of a decoder step against plain loops in double precision.
#include "../../main/cuda/decoder_ops.cu"
#include "decoder_kernels.cuh"
#include "paged_case.cuh"

using namespace test;

namespace {

// One rounding to T of a float32 result; float32 itself allows for sums and special functions.
template <typename T>
double tolerance() {
  return std::is_same_v<T, float> ? 2e-6 : std::is_same_v<T, f16> ? 1e-3 : 6e-3;
}

template <typename T>
void checkEmbedding(Random& random, Report& report) {
  for (int width : {8, 40, 128, 2048, 5000}) {
    int rows = random.between(1, 70), tableRows = random.between(3, 200);
    std::vector<T> table = random.normals<T>(static_cast<size_t>(tableRows) * width);
    std::vector<int> indices(rows);
    for (int& index : indices) index = random.between(-1, tableRows);
    Device<T> from(table);
    Device<float> to(static_cast<size_t>(rows) * width);
    Device<int> which(indices);
    Kernels<T>::embed<<<rows, 128>>>(from.get(), which.get(), to.get(), tableRows, width);
    finishLaunch();
    std::vector<float> out = to.host(), want(out.size());
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        bool valid = indices[r] >= 0 && indices[r] < tableRows;
        want[r * width + i] =
            valid ? static_cast<float>(toDouble(table[static_cast<size_t>(indices[r]) * width + i])) : 0.f;
      }
    }
    report.expect(sameBits(out, want), std::string("embed ") + nameOf<T>());
  }
}

template <typename T>
void checkNorm(Random& random, Report& report) {
  for (int hidden : {8, 128, 264, 2048, 4096, 8192, 9000, 16384}) {
    for (int variant = 0; variant < 4; variant++) {
      int tokens = random.between(1, 40);
      bool adds = variant != 0, bias = variant == 2, picks = variant == 3;
      std::vector<float> stream = random.normals<float>(static_cast<size_t>(tokens) * hidden, 3);
      std::vector<float> add = random.normals<float>(stream.size());
      std::vector<T> biases = random.normals<T>(hidden), weight = random.normals<T>(hidden);
      std::vector<int> rows(picks ? random.between(1, tokens) : tokens);
      for (size_t r = 0; r < rows.size(); r++) rows[r] = picks ? random.between(0, tokens - 1) : r;
      Device<float> s(stream), a(add);
      Device<T> b(biases), w(weight), out(rows.size() * hidden);
      Device<int> which(rows);
      Kernels<T>::norm<<<rows.size(), normBlock(hidden)>>>(
          s.get(), adds ? a.get() : nullptr, bias ? b.get() : nullptr, w.get(), out.get(),
          picks ? which.get() : nullptr, hidden, 1e-5f);
      finishLaunch();
      std::vector<T> got = out.host();
      std::vector<float> sums = s.host();
      std::string name = std::string("norm ") + nameOf<T>() + " " + std::to_string(hidden);
      for (size_t r = 0; r < rows.size(); r++) {
        std::vector<double> x(hidden), want(hidden);
        double squares = 0;
        for (int i = 0; i < hidden; i++) {
          size_t at = static_cast<size_t>(rows[r]) * hidden + i;
          double added = (adds ? toDouble(add[at]) : 0) + (bias ? toDouble(biases[i]) : 0);
          x[i] = stream[at] + added;
          squares += x[i] * x[i];
        }
        for (int i = 0; i < hidden; i++) {
          want[i] = x[i] / std::sqrt(squares / hidden + 1e-5) * toDouble(weight[i]);
        }
        report.expectBelow(relativeError(&got[r * hidden], want.data(), hidden), tolerance<T>(), name);
        if (adds && !picks) {
          report.expectBelow(relativeError(&sums[r * hidden], x.data(), hidden), tolerance<float>(),
                             name + " stream");
        }
      }
      if (picks || !adds) report.expect(sameBits(sums, stream), name + ": stream stays");
    }
  }
}

// What rope_append must do to one head of one token, in double precision.
template <typename T>
std::vector<double> rotated(const float* x, const T* bias, const T* norm, const float* angles, int d,
                            bool rotate) {
  std::vector<double> y(d);
  double squares = 0;
  for (int i = 0; i < d; i++) {
    y[i] = toDouble(x[i]) + (bias == nullptr ? 0 : toDouble(bias[i]));
    squares += y[i] * y[i];
  }
  if (norm != nullptr) {
    for (int i = 0; i < d; i++) y[i] *= toDouble(norm[i]) / std::sqrt(squares / d + 1e-6);
  }
  if (!rotate) return y;
  for (int i = 0; i < d / 2; i++) {
    double a = y[i], b = y[i + d / 2], c = angles[i], s = angles[d / 2 + i];
    y[i] = a * c - b * s;
    y[i + d / 2] = b * c + a * s;
  }
  return y;
}

template <typename T>
void checkRope(Random& random, Report& report) {
  const int tiles[] = {8, 16, 64, 128};
  for (int variant = 0; variant < 24; variant++) {
    const int dims[] = {32, 64, 80, 96, 128, 256};
    int d = dims[variant % 6];
    bool hasBias = variant / 6 % 2 == 1, hasNorm = variant / 12 == 1;
    Shape shape{d, random.between(1, 4), random.between(1, 16), tiles[variant % 4], 0};
    std::vector<Segment> segments;
    for (int s = 0; s < 4; s++) segments.push_back({s, random.between(0, 90), random.between(1, 30)});
    PagedCase<T> c(shape, segments, random);
    std::fill(c.pool.begin(), c.pool.end(), rounded<T>(7));
    int heads = shape.queryHeads() + 2 * shape.kvHeads, stride = heads * d + 8, positions = 128;
    std::vector<float> qkv = random.normals<float>(static_cast<size_t>(c.tokens) * stride);
    std::vector<T> bias = random.normals<T>(heads * d), qNorm = random.normals<T>(d),
                   kNorm = random.normals<T>(d);
    std::vector<float> rope(positions * d);
    for (int i = 0; i < positions * d; i++) {
      double angle = (i / d) * std::pow(10000.0, -2.0 * (i % (d / 2)) / d);
      rope[i] = static_cast<float>(i % d < d / 2 ? std::cos(angle) : std::sin(angle));
    }
    std::vector<int> row, position;
    for (const Segment& s : segments) {
      for (int i = 0; i < s.count; i++) {
        row.push_back(s.row);
        position.push_back(s.start + i);
      }
    }
    Device<T> queries(static_cast<size_t>(c.tokens) * shape.queryHeads() * d), b(bias), qn(qNorm),
        kn(kNorm), pool(c.pool);
    Device<float> x(qkv), table(rope);
    Device<int> rows(row), where(position), pages(c.pageTable);
    Kernels<T>::rope<<<ropeBlocks(c.tokens, heads, d, 128), 128>>>(
        x.get(), queries.get(), hasBias ? b.get() : nullptr, hasNorm ? qn.get() : nullptr,
        hasNorm ? kn.get() : nullptr, 1e-6f, table.get(), rows.get(), where.get(), pool.get(),
        pages.get(), c.tokens, shape.queryHeads(), shape.kvHeads, d, c.maxTiles,
        shape.tileTokensLog2(), shape.tileElements(), shape.layer, stride);
    finishLaunch();
    std::vector<T> q = queries.host(), stored = pool.host(), expected = c.pool;
    std::string name = std::string("rope ") + nameOf<T>() + " " + shape.text();
    double worst = 0;
    for (int t = 0; t < c.tokens; t++) {
      for (int h = 0; h < heads; h++) {
        bool isQuery = h < shape.queryHeads(), isValue = h >= shape.queryHeads() + shape.kvHeads;
        size_t at = static_cast<size_t>(t) * stride + h * d;
        const T* norm = !hasNorm || isValue ? nullptr : isQuery ? qNorm.data() : kNorm.data();
        std::vector<double> want = rotated(&qkv[at], hasBias ? &bias[h * d] : nullptr, norm,
                                           &rope[position[t] * d], d, !isValue);
        const T* got = &q[isQuery ? (static_cast<size_t>(t) * shape.queryHeads() + h) * d : 0];
        if (!isQuery) {
          int head = (h - shape.queryHeads()) % shape.kvHeads;
          size_t slot = isValue ? c.value(row[t], head, position[t]) : c.key(row[t], head, position[t]);
          got = &stored[slot];
          std::copy_n(got, d, &expected[slot]);
        }
        worst = std::max(worst, relativeError(got, want.data(), d));
      }
    }
    report.expectBelow(worst, tolerance<T>(), name);
    report.expect(sameBits(stored, expected), name + ": other slots stay");
  }
}

template <typename T>
void checkSwiglu(Random& random, Report& report) {
  for (int n : {8, 352, 704, 8192}) {
    for (bool hasBias : {false, true}) {
      int tokens = random.between(1, 30);
      std::vector<T> gateUp = random.normals<T>(static_cast<size_t>(tokens) * 2 * n, 4);
      std::vector<T> bias = random.normals<T>(2 * n);
      Device<T> x(gateUp), b(bias), y(static_cast<size_t>(tokens) * n);
      Kernels<T>::swiglu<<<(tokens * (n / 8) + 127) / 128, 128>>>(
          x.get(), hasBias ? b.get() : nullptr, y.get(), tokens, n);
      finishLaunch();
      std::vector<T> got = y.host();
      for (int t = 0; t < tokens; t++) {
        std::vector<double> want(n);
        for (int i = 0; i < n; i++) {
          double gate = toDouble(gateUp[static_cast<size_t>(t) * 2 * n + i]);
          double up = toDouble(gateUp[static_cast<size_t>(t) * 2 * n + n + i]);
          if (hasBias) {
            gate += toDouble(bias[i]);
            up += toDouble(bias[n + i]);
          }
          want[i] = gate / (1 + std::exp(-gate)) * up;
        }
        report.expectBelow(relativeError(&got[static_cast<size_t>(t) * n], want.data(), n),
                           tolerance<T>(), std::string("swiglu ") + nameOf<T>());
      }
    }
  }
}

template <typename T>
int argmaxOf(const T* x, int n) {
  int best = -1;
  double max = -INFINITY;
  for (int i = 0; i < n; i++) {
    if (toDouble(x[i]) > max) {
      max = toDouble(x[i]);
      best = i;
    }
  }
  return std::isinf(max) ? -1 : best;
}

template <typename T>
void checkLogits(Random& random, Report& report) {
  for (int vocab : {1, 7, 33, 2048, 32000, 50257, 128256}) {
    int rows = 12, stride = vocab + random.between(0, 9);
    std::vector<T> logits = random.normals<T>(static_cast<size_t>(rows) * stride, 2);
    T nan = rounded<T>(NAN), inf = rounded<T>(INFINITY), minus = rounded<T>(-INFINITY);
    for (int i = 0; i < vocab; i++) {
      logits[1 * stride + i] = rounded<T>(3);              // all equal: the first
      logits[2 * stride + i] = nan;                        // nothing to choose
      logits[3 * stride + i] = minus;                      // likewise
      if (i % 3 != 1) logits[4 * stride + i] = nan;        // some NaN
      if (i != vocab / 2) logits[5 * stride + i] = minus;  // one finite number
    }
    logits[6 * stride + vocab / 2] = inf;
    logits[7 * stride + vocab - 1] = rounded<T>(100);
    logits[8 * stride] = logits[8 * stride + vocab / 2] = rounded<T>(100);
    Device<T> x(logits);
    Device<int> chosen(rows);
    Device<float> floats(static_cast<size_t>(rows) * vocab);
    Kernels<T>::argmax<<<rows, 1024>>>(x.get(), chosen.get(), vocab, stride);
    Kernels<T>::copyLogits<<<rows, 1024>>>(x.get(), floats.get(), vocab, stride);
    finishLaunch();
    std::vector<int> got = chosen.host();
    std::vector<float> copied = floats.host();
    for (int r = 0; r < rows; r++) {
      int want = argmaxOf(&logits[static_cast<size_t>(r) * stride], vocab);
      report.expect(got[r] == want, std::string("argmax ") + nameOf<T>() + " vocab " +
                                        std::to_string(vocab) + " row " + std::to_string(r) + ": " +
                                        std::to_string(got[r]) + ", not " + std::to_string(want));
      for (int i = 0; i < vocab; i++) {
        float want = static_cast<float>(toDouble(logits[static_cast<size_t>(r) * stride + i]));
        float have = copied[static_cast<size_t>(r) * vocab + i];
        if (have != want && !(std::isnan(have) && std::isnan(want))) {
          report.expect(false, "copy of logits");
        }
      }
    }
  }
}

void checkAdvance(Random& random, Report& report) {
  int rows = 300;
  std::vector<int> chosen(rows), positions(rows);
  std::vector<int4> work(rows);
  for (int r = 0; r < rows; r++) {
    chosen[r] = random.between(-1, 1000);
    positions[r] = random.between(0, 1000);
    work[r] = {r, positions[r], r, 1};
  }
  Device<int> c(chosen), t(rows), p(positions), history(2 * rows), step(std::vector<int>{0});
  Device<int4> w(work);
  for (int i = 0; i < 2; i++) {
    tilekv_advance<<<1, 256>>>(c.get(), t.get(), p.get(), w.get(), history.get(), step.get(), rows);
  }
  finishLaunch();
  std::vector<int> tokens = t.host(), where = p.host(), past = history.host();
  std::vector<int4> items = w.host();
  bool ok = step.host()[0] == 2;
  for (int r = 0; r < rows; r++) {
    ok &= tokens[r] == chosen[r] && where[r] == positions[r] + 2 && past[r] == chosen[r] &&
          past[rows + r] == chosen[r] && items[r].x == r && items[r].y == where[r] &&
          items[r].z == r && items[r].w == 1;
  }
  report.expect(ok, "advance");
}

void checkCopySlots(Random& random, Report& report) {
  for (int variant = 0; variant < 10; variant++) {
    int layers = random.between(1, 20), tileTokens = 8 << random.between(0, 4), pages = 40;
    int slotBytes = 16 * random.between(1, 32);
    int values = layers * 2 * tileTokens * slotBytes;
    bool scales = variant % 2 == 1;
    long long tileBytes = values + (scales ? layers * 2 * tileTokens * 4 : 0);
    std::vector<unsigned char> pool(pages * tileBytes);
    for (unsigned char& byte : pool) byte = static_cast<unsigned char>(random.engine()());
    std::vector<int> pairs;
    for (int i = 0; i < 15; i++) {
      pairs.insert(pairs.end(), {i, 39 - i, random.between(0, tileTokens)});
    }
    Device<unsigned char> memory(pool);
    Device<int> list(pairs);
    tilekv_copy_slots<<<15 * layers * 2, 128>>>(memory.get(), list.get(), layers, tileTokens,
                                                slotBytes, tileBytes, scales ? values : 0);
    finishLaunch();
    for (int i = 0; i < 15; i++) {
      for (int part = 0; part < 2 * layers; part++) {
        auto copy = [&](long long offset, int bytes) {
          std::memcpy(&pool[pairs[3 * i + 1] * tileBytes + offset], &pool[i * tileBytes + offset], bytes);
        };
        copy(static_cast<long long>(part) * tileTokens * slotBytes, pairs[3 * i + 2] * slotBytes);
        if (scales) copy(values + part * tileTokens * 4, pairs[3 * i + 2] * 4);
      }
    }
    report.expect(sameBits(memory.host(), pool), "copy_slots");
  }
}

template <typename T>
void checkType(Random& random, Report& report) {
  checkEmbedding<T>(random, report);
  checkNorm<T>(random, report);
  checkRope<T>(random, report);
  checkSwiglu<T>(random, report);
  checkLogits<T>(random, report);
}

}  // namespace

int main(int argc, char** argv) {
  unsigned seed = argc > 1 ? std::atoi(argv[1]) : 20240612;
  std::printf("seed %u\n", seed);
  Random random(seed);
  Report report;
  checkType<float>(random, report);
  checkType<f16>(random, report);
  checkType<bf16>(random, report);
  checkAdvance(random, report);
  checkCopySlots(random, report);
  return report.finish("decoder_ops");
}
