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
// Microseconds of decode attention of rows that share a prefix, bf16, 32 query and 8 KV heads: every row
// reads all of its keys (flat), or the prefix is read once for all (shared), in several numbers of parts.
//
//   attention_prefix_bench [headDim]
#include "fill_random.cuh"
#include "prefix_kernels.cuh"

using namespace test;

namespace {

struct Cell {
  int rows;
  int shared;
  int own;
};

void measure(int headDim, const Cell& cell, bf16* pool, size_t poolBytes, Random& random) {
  const int tile = 64;
  Shape s{headDim, 8, 4, tile, 0, 1, 0};
  int sharedTiles = cell.shared / tile, ownTiles = (cell.own + tile - 1) / tile, tiles = sharedTiles + ownTiles;
  std::vector<int> ids(poolBytes / 2 / s.tileElements());
  for (size_t i = 0; i < ids.size(); i++) ids[i] = static_cast<int>(i);
  std::shuffle(ids.begin(), ids.end(), random.engine());
  std::vector<int> pages(static_cast<size_t>(cell.rows) * s.kvHeads * tiles);
  size_t next = 0;
  for (int r = 0; r < cell.rows; r++) {
    for (int h = 0; h < s.kvHeads; h++) {
      int* row = &pages[static_cast<size_t>(r * s.kvHeads + h) * tiles];
      for (int t = 0; t < tiles; t++) row[t] = r > 0 && t < sharedTiles ? pages[static_cast<size_t>(h) * tiles + t] : ids[next++];
    }
  }
  Device<int> table(pages);
  size_t width = s.queryHeads() * headDim;
  Device<bf16> q(random.normals<bf16>(cell.rows * width)), out(cell.rows * width);
  DecodeLaunch<bf16> decode(s);
  Device<float> partials(partialFloats(s, decode.blocks)), prefix(prefixFloats(s, cell.rows, 16));
  Device<int> arrivals(std::vector<int>(cell.rows * s.kvHeads, 0));
  Device<PoolMap> map = makePoolMap(pool, poolBytes / 2, headDim, tile);
  std::vector<int> sharers(cell.rows);
  for (int i = 0; i < cell.rows; i++) sharers[i] = i;
  auto plan = [&](int parts) {
    std::vector<DecodeToken> tokens;
    for (int r = 0; r < cell.rows; r++) {
      tokens.push_back({r, cell.shared + cell.own - 1, parts == 0 ? 0 : cell.shared, parts});
    }
    return decodePlan(tokens, 0);
  };
  auto buffers = [&](const Device<int4>& p) {
    return DecodeBuffers<bf16>{s, tiles, q.get(), out.get(), pool, table.get(), p.get(), cell.rows, partials.get(),
                               arrivals.get(), prefix.get(), cell.rows, static_cast<int>(width), static_cast<int>(width)};
  };
  Device<int4> flatPlan(plan(0));
  decode.b = buffers(flatPlan);
  double flat = medianMicros(8, 11, [&](cudaStream_t stream, int) { decode.run(stream); });
  std::printf("%4d %6d %5d %4d %9.1f ", cell.rows, cell.shared, cell.own, headDim, flat);
  int blocks = cell.shared / PrefixWork::blockKeys(headDim);
  for (int parts : {1, 2, 3, 4, 6, 8, 12, 16}) {
    if (parts > blocks) break;
    PrefixWork work;
    work.add(s, 0, cell.shared, parts, sharers);
    PrefixLaunch<bf16> shared(s, work);
    Device<int4> p(plan(parts));
    decode.b = buffers(p);
    double first = medianMicros(8, 11, [&](cudaStream_t stream, int) { shared.run(stream, decode.b, map.get()); });
    double both = medianMicros(8, 11, [&](cudaStream_t stream, int) {
      shared.run(stream, decode.b, map.get());
      decode.run(stream);
    });
    std::printf(" %d:%d %.1f(%.1f)", parts, work.count() * s.kvHeads, both, first);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  int only = argc > 1 ? std::atoi(argv[1]) : 0;
  cudaDeviceProp device;
  CHECK_CUDA(cudaGetDeviceProperties(&device, 0));
  std::printf("%s\n", device.name);
  size_t bytes = 4ull << 30;
  bf16* pool;
  CHECK_CUDA(cudaMalloc(&pool, bytes));
  fillRandom<<<1024, 256>>>(pool, bytes / 2);
  finishLaunch();
  std::printf("rows shared   own  dim  flat us   parts:blocks us of both (us of the shared part)\n");
  Random random(7);
  for (int headDim : {128, 64}) {
    if (only != 0 && headDim != only) continue;
    for (const Cell& cell : {Cell{256, 8192, 128}, {64, 32768, 128}, {256, 384, 192}, {64, 384, 192}, {16, 384, 192},
                             {256, 128, 128}, {64, 128, 128}, {16, 128, 128}, {256, 1024, 128}, {64, 1024, 128}, {16, 1024, 128}, {4, 1024, 128},
                             {64, 8192, 128}, {16, 8192, 128}, {4, 8192, 128}, {2, 8192, 128}, {16, 32768, 128}, {4, 32768, 1024}}) {
      measure(headDim, cell, pool, bytes, random);
    }
  }
  return 0;
}
