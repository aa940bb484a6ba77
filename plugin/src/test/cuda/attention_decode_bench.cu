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
// Microseconds of decode attention, bf16, 32 query and 8 KV heads of 128, beside a plain read of the
// same pages in the same run. Page ids are scattered; what is read lies behind the L2 cache.
//
//   attention_decode_bench [tile]
#include "decode_kernels.cuh"
#include "fill_random.cuh"

using namespace test;

namespace {

// Reads K and V of every listed page once: a warp a page, 16 bytes a lane, eight at a time.
__global__ void __launch_bounds__(512) readPages(const uint4* pool, const int* pages, int count,
                                                 int pageUnits, int* out) {
  int warp = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
  int warps = gridDim.x * blockDim.x / 32;
  unsigned x = 0;
  int parts = pageUnits / 256;
  for (int i = warp; i < count * parts; i += warps) {
    const uint4* from = pool + static_cast<size_t>(pages[i / parts]) * pageUnits + i % parts * 256 + lane;
    uint4 r[8];
#pragma unroll
    for (int j = 0; j < 8; j++) r[j] = __ldcs(from + 32 * j);
#pragma unroll
    for (int j = 0; j < 8; j++) x ^= r[j].x ^ r[j].y ^ r[j].z ^ r[j].w;
  }
  if (x == 0x12345678u) *out = 1;
}

struct Cell {
  int rows;
  int context;
  int headDim;
  double peer;   // 0 where none was measured
  double plain;
};

void measure(int tile, const Cell& cell, bf16* pool, size_t poolBytes, Random& random) {
  Shape s{cell.headDim, 8, 4, tile, 0, 1, 0};
  int tiles = (cell.context + tile - 1) / tile;
  size_t poolPages = poolBytes / 2 / s.tileElements();
  size_t pages = static_cast<size_t>(cell.rows) * s.kvHeads * tiles;
  // Small cases rotate over several sets of pages, so that nothing is left in the L2 cache.
  int sets = static_cast<int>(std::max<size_t>(1, std::min<size_t>(16, poolPages / pages)));
  if (pages * s.tileElements() * 2 > (400ull << 20)) sets = 1;
  std::vector<int> ids(poolPages);
  for (size_t i = 0; i < ids.size(); i++) ids[i] = static_cast<int>(i);
  std::shuffle(ids.begin(), ids.end(), random.engine());
  ids.resize(pages * sets);
  Device<int> table(ids);
  std::vector<DecodeToken> tokens;
  for (int r = 0; r < cell.rows; r++) tokens.push_back({r, cell.context - 1});
  Device<int4> plan(decodePlan(tokens, 0));
  size_t width = s.queryHeads() * s.headDim;
  Device<bf16> q(random.normals<bf16>(static_cast<size_t>(cell.rows) * width)), out(cell.rows * width);
  DecodeLaunch<bf16> launch(s);
  Device<float> partials(partialFloats(s, launch.blocks));
  Device<int> arrivals(std::vector<int>(cell.rows * s.kvHeads, 0));
  launch.b = {s, tiles, q.get(), out.get(), pool, table.get(), plan.get(), cell.rows,
              partials.get(), arrivals.get(), nullptr, 0, static_cast<int>(width), static_cast<int>(width)};
  int calls = pages * s.tileElements() * 2 > (1ull << 30) ? 4 : 16;
  int replays = 21;
  double ours = medianMicros(calls, replays, [&](cudaStream_t stream, int i) {
    launch.b.pageTable = table.get() + i % sets * pages;
    launch.run(stream);
  });
  double plain = 1e30;
  int bestGrid = 0;
  for (int grid : {132, 264, 528, 1056}) {
    double t = medianMicros(calls, replays, [&](cudaStream_t stream, int i) {
      readPages<<<grid, 512, 0, stream>>>(reinterpret_cast<uint4*>(pool), table.get() + i % sets * pages,
                                          static_cast<int>(pages), s.tileElements() / 8, arrivals.get());
    });
    if (t < plain) plain = t, bestGrid = grid;
  }
  double bytes = static_cast<double>(pages) * s.tileElements() * 2;
  std::printf("%4d %6d %4d %5d %9.1f %9.1f %7.3f %8.0f %9.1f %9.1f %7.3f  %d\n", cell.rows, cell.context, cell.headDim, tile, ours,
              plain, ours / plain, bytes / ours / 1e3, cell.peer, cell.plain, cell.peer / cell.plain, bestGrid);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  int only = argc > 1 ? std::atoi(argv[1]) : 0;
  cudaDeviceProp device;
  CHECK_CUDA(cudaGetDeviceProperties(&device, 0));
  std::printf("%s\n", device.name);
  size_t bytes = (64ull * 32768 * 8 * 128 * 2 * 2);
  bf16* pool;
  CHECK_CUDA(cudaMalloc(&pool, bytes));
  fillRandom<<<1024, 256>>>(pool, bytes / 2);
  finishLaunch();
  const Cell cells[] = {{1, 4096, 128, 13.1, 6.0},      {16, 2048, 128, 37.9, 32.4},
                        {64, 8192, 128, 498.9, 480.7},  {256, 4096, 128, 987.5, 957.9},
                        {64, 32768, 128, 1943.6, 1910.0}, {256, 192, 64, 0, 0}, {256, 576, 64, 0, 0}, {32, 576, 64, 0, 0}};
  std::printf("rows context  dim  tile      us  plain-us   ratio     GB/s H200 peer H200 plain ratio  grid of plain\n");
  Random random(7);
  for (int tile : {16, 64, 128}) {
    if (only != 0 && tile != only) continue;
    for (const Cell& cell : cells) measure(tile, cell, pool, bytes, random);
  }
  return 0;
}
