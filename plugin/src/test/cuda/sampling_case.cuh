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
// Rows of logits of many shapes with parameters of sampling, and which tokens may come of them: a
// plain loop in double precision that sorts the whole row. Include tilekv/ops/sample.cuh first.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace test {

struct SamplingCase {
  static constexpr int SHAPES = 10;
  static constexpr int KINDS = 9;
  // Kernel and reference add the same weights in different orders.
  static constexpr double TOLERANCE = 1e-12;

  int vocab;
  int stride;
  int skip;  // logits before the first row, so that rows are not aligned
  int rows = SHAPES * KINDS;
  std::vector<float> logits;
  std::vector<tilekv::Sampling> sampling;
  std::vector<int> best;

  SamplingCase(int n, int rowStride, unsigned seed)
      : vocab(n), stride(rowStride), skip(static_cast<int>(seed % 4)), engine_(seed) {
    logits.assign(skip + static_cast<size_t>(rows) * stride, 1e30f);
    for (int r = 0; r < rows; r++) {
      fill(&logits[skip + static_cast<size_t>(r) * stride], r % SHAPES);
      sampling.push_back(parameters(r / SHAPES));
      best.push_back(bestOf(r));
    }
  }

  std::string name(int r) const {
    const tilekv::Sampling& how = sampling[r];
    char text[160];
    std::snprintf(text, sizeof text,
                  "vocab %d shape %d temperature %g topK %d topP %.17g draw %.17g", vocab,
                  r % SHAPES, how.temperature, how.topK, how.topP, how.draw);
    return text;
  }

  // Empty where the token is one that may be chosen for a row.
  std::string check(int r, int token) const {
    const tilekv::Sampling& how = sampling[r];
    if (how.temperature == 0 || best[r] < 0) {
      return token == best[r] ? "" : name(r) + ": not greedy";
    }
    if (token < 0 || token >= vocab) return name(r) + ": no token " + std::to_string(token);
    const float* x = &logits[skip + static_cast<size_t>(r) * stride];
    std::vector<int> order;
    for (int i = 0; i < vocab; i++) {
      if (!std::isnan(x[i])) order.push_back(i);
    }
    bool ranked = how.topP < 1 || (how.topK > 0 && how.topK < vocab);
    if (ranked) {
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return x[a] > x[b]; });
    }
    if (how.topK > 0 && how.topK < static_cast<int>(order.size())) order.resize(how.topK);
    std::vector<double> upTo;
    long double sum = 0;
    for (int i : order) {
      sum += std::exp((static_cast<double>(x[i]) - x[best[r]]) / how.temperature);
      upTo.push_back(static_cast<double>(sum));
    }
    size_t least = order.size(), most = order.size();
    double whole = upTo.back(), slack = TOLERANCE * whole;
    if (how.topP < 1) {
      least = 1 + firstFrom(upTo, how.topP * whole - slack);
      most = 1 + firstFrom(upTo, how.topP * whole + slack);
    }
    most = std::min(most, order.size());
    least = std::min(least, most);
    size_t from = firstFrom(upTo, how.draw * upTo[least - 1] - slack);
    size_t to = firstFrom(upTo, how.draw * upTo[most - 1] + slack);
    for (size_t i = from; i <= std::min(to, most - 1); i++) {
      double weight = upTo[i] - (i == 0 ? 0 : upTo[i - 1]);
      if (order[i] == token && (weight > 0 || x[token] > -INFINITY)) return "";
    }
    size_t want = std::min(to, most - 1);
    size_t got = std::find(order.begin(), order.end(), token) - order.begin();
    return name(r) + ": token " + std::to_string(token) + " of rank " + std::to_string(got) +
           ", not " + std::to_string(order[want]) + " of rank " + std::to_string(want);
  }

 private:
  static size_t firstFrom(const std::vector<double>& upTo, double target) {
    return std::lower_bound(upTo.begin(), upTo.end(), target) - upTo.begin();
  }

  double uniform() { return (engine_() >> 5) * 0x1p-27 + (engine_() >> 6) * 0x1p-53; }

  int bestOf(int r) const {
    const float* x = &logits[skip + static_cast<size_t>(r) * stride];
    int best = -1;
    for (int i = 0; i < vocab; i++) {
      if (x[i] > (best < 0 ? -INFINITY : x[best])) best = i;
    }
    return best >= 0 && std::isinf(x[best]) ? -1 : best;
  }

  void fill(float* x, int shape) {
    const float nan = NAN, infinity = INFINITY;
    for (int i = 0; i < vocab; i++) {
      float normal = static_cast<float>(normal_(engine_));
      switch (shape) {
        case 0: x[i] = 2 * normal; break;
        case 1: x[i] = 6 * normal - 20; break;  // a few stand out
        case 2: x[i] = std::nearbyint(2 * normal); break;  // ties, 0 and -0
        case 3: x[i] = 3; break;  // all ties
        case 4: x[i] = i % 3 == 1 ? nan : i % 5 == 1 ? -infinity : normal; break;
        case 5: x[i] = i == vocab / 2 ? 1.5f : i % 2 == 0 ? nan : -infinity; break;
        case 6: x[i] = 0.02f * normal; break;  // nearly flat
        case 7: x[i] = i % 7 == 0 ? -1e30f : 1000 + normal; break;
        case 8: x[i] = 1e-40f * static_cast<float>(i % 50) - 2e-39f; break;  // denormal
        default: x[i] = static_cast<float>(i) * 20.f / vocab * (i % 2 == 0 ? 1 : -1); break;
      }
    }
  }

  tilekv::Sampling parameters(int kind) {
    const double temperatures[] = {0.7, 1, 1, 1.3, 0.2, 20, 1e-3, 1e30, 1e-300};
    double temperature = temperatures[engine_() % (engine_() % 3 == 0 ? 9 : 6)];
    double draw = engine_() % 8 == 0 ? 0 : engine_() % 8 == 0 ? 1 - 0x1p-53 : uniform();
    int some = 1 + static_cast<int>(engine_() % vocab);
    double p = 0.02 + 0.97 * uniform();
    switch (kind) {
      case 0: return {temperature, 1, draw, 0, 0};
      case 1: return {temperature, 1, draw, 1, 0};
      case 2: return {temperature, 1, draw, 50, 0};
      case 3: return {temperature, 1, draw, some, 0};
      case 4: return {temperature, p, draw, 0, 0};
      case 5: return {temperature, p, draw, engine_() % 2 == 0 ? 50 : some, 0};
      case 6: return {temperature, engine_() % 2 == 0 ? 1e-9 : 1 - 1e-9, draw, 0, 0};
      case 7: return {temperature, engine_() % 2 == 0 ? p : 1, draw, vocab + 3, 0};
      default: return {engine_() % 2 == 0 ? 0 : temperature, 0.95, draw, vocab - 1, 0};
    }
  }

  std::mt19937 engine_;
  std::normal_distribution<double> normal_;
};

}  // namespace test
