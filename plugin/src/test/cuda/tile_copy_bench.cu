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
// GB/s of tiles between scattered pages and scattered frames of pinned memory, each way and both at
// once, by how many thread blocks take part and how much each has under way.
#include <cuda.h>

#include "tilekv/hopper.cuh"
#include "tilekv/ops/copy_tiles.cuh"
#include "support.cuh"

using namespace test;

namespace {

constexpr size_t BYTES = size_t{256} << 20;

__global__ void __launch_bounds__(512) plain(const ulonglong2* moves, int count, long long bytes) {
  tilekv::copyTiles(moves, count, bytes);
}

__device__ __forceinline__ void bulkIn(unsigned to, const void* from, unsigned bytes, unsigned barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to),
               "l"(from), "r"(bytes), "r"(barrier)
               : "memory");
}
__device__ __forceinline__ void bulkOut(void* to, unsigned from, unsigned bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to), "r"(from), "r"(bytes)
               : "memory");
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}

// One thread a block, STAGES units of UNIT bytes under way.
template <int STAGES, int UNIT>
__global__ void bulk(const ulonglong2* moves, int count, long long bytes) {
  extern __shared__ __align__(128) unsigned char shared[];
  __shared__ unsigned long long barriers[STAGES];
  if (threadIdx.x != 0) return;
  unsigned base = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  unsigned barrier = static_cast<unsigned>(__cvta_generic_to_shared(barriers));
  for (int i = 0; i < STAGES; i++) tilekv::initBarrier(barrier + 8 * i, 1);
  tilekv::publishBarriers();
  const long long units = (bytes + UNIT - 1) / UNIT, all = units * count;
  auto in = [&](long long n, int stage) {
    long long unit = blockIdx.x + n * gridDim.x;
    if (unit >= all) return;
    long long at = unit % units * UNIT;
    unsigned size = static_cast<unsigned>(min(static_cast<long long>(UNIT), bytes - at));
    tilekv::arriveExpecting(barrier + 8 * stage, size);
    bulkIn(base + stage * UNIT, reinterpret_cast<const char*>(moves[unit / units].x) + at, size, barrier + 8 * stage);
  };
  // A stage is filled again once its bytes have been read: half of the stages lie between.
  constexpr int AHEAD = STAGES / 2;
  for (int n = 0; n < AHEAD; n++) in(n, n);
  for (long long n = 0;; n++) {
    long long unit = blockIdx.x + n * gridDim.x;
    if (unit >= all) break;
    int stage = n % STAGES;
    tilekv::awaitPhase(barrier + 8 * stage, n / STAGES & 1);
    long long at = unit % units * UNIT;
    unsigned size = static_cast<unsigned>(min(static_cast<long long>(UNIT), bytes - at));
    bulkOut(reinterpret_cast<char*>(moves[unit / units].y) + at, base + stage * UNIT, size);
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(STAGES - AHEAD - 1) : "memory");
    in(n + AHEAD, (n + AHEAD) % STAGES);
  }
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}

enum Way { NONE, PLAIN, BULK4, BULK8, BULK2 };

struct Plan {
  Way way;
  int blocks;
  int threads;
};

struct Side {
  cudaStream_t stream;
  ulonglong2* moves;
  int count;
};

void launch(const Plan& p, const Side& s, long long bytes) {
  switch (p.way) {
    case NONE: return;
    case PLAIN: plain<<<p.blocks, p.threads, 0, s.stream>>>(s.moves, s.count, bytes); return;
    case BULK2: bulk<16, 2048><<<p.blocks, 32, 16 * 2048, s.stream>>>(s.moves, s.count, bytes); return;
    case BULK4: bulk<8, 4096><<<p.blocks, 32, 8 * 4096, s.stream>>>(s.moves, s.count, bytes); return;
    case BULK8: bulk<8, 8192><<<p.blocks, 32, 8 * 8192, s.stream>>>(s.moves, s.count, bytes); return;
  }
}

double measure(const Plan& down, const Plan& up, const Side& d, const Side& u, long long bytes) {
  cudaEvent_t begin, end, other;
  CHECK_CUDA(cudaEventCreate(&begin));
  CHECK_CUDA(cudaEventCreate(&end));
  CHECK_CUDA(cudaEventCreate(&other));
  std::vector<float> times;
  for (int i = 0; i < 8; i++) {
    CHECK_CUDA(cudaEventRecord(begin, d.stream));
    CHECK_CUDA(cudaStreamWaitEvent(u.stream, begin));
    launch(up, u, bytes);
    launch(down, d, bytes);
    CHECK_CUDA(cudaGetLastError());
    CHECK_CUDA(cudaEventRecord(other, u.stream));
    CHECK_CUDA(cudaStreamWaitEvent(d.stream, other));
    CHECK_CUDA(cudaEventRecord(end, d.stream));
    CHECK_CUDA(cudaEventSynchronize(end));
    float ms;
    CHECK_CUDA(cudaEventElapsedTime(&ms, begin, end));
    if (i > 0) times.push_back(ms);
  }
  std::sort(times.begin(), times.end());
  double ways = (down.way != NONE) + (up.way != NONE);
  return ways * BYTES / times[times.size() / 2] * 1e-6;
}

const char* name(Way way) {
  const char* names[] = {"-", "plain", "bulk 8x4K", "bulk 8x8K", "bulk 16x2K"};
  return names[way];
}

}  // namespace

int main() {
  CHECK_CUDA(cudaFuncSetAttribute(bulk<8, 8192>, cudaFuncAttributeMaxDynamicSharedMemorySize, 65536));
  char *pages[2], *frames[2];
  Side sides[2];
  for (int i = 0; i < 2; i++) {
    CHECK_CUDA(cudaMalloc(&pages[i], BYTES));
    CHECK_CUDA(cudaMallocHost(&frames[i], BYTES));
    CHECK_CUDA(cudaStreamCreateWithFlags(&sides[i].stream, cudaStreamNonBlocking));
    CHECK_CUDA(cudaMalloc(&sides[i].moves, BYTES / 16384 * sizeof(ulonglong2)));
  }
  const Plan none{NONE, 0, 0};
  for (long long bytes : {16384ll, 262144ll}) {
    int count = static_cast<int>(BYTES / bytes);
    Random random(1);
    for (int i = 0; i < 2; i++) {
      std::vector<int> a(count), b(count);
      for (int j = 0; j < count; j++) a[j] = b[j] = j;
      std::shuffle(a.begin(), a.end(), random.engine());
      std::shuffle(b.begin(), b.end(), random.engine());
      std::vector<ulonglong2> moves(count);
      for (int j = 0; j < count; j++) {
        unsigned long long page = reinterpret_cast<unsigned long long>(pages[i] + a[j] * bytes);
        unsigned long long frame = reinterpret_cast<unsigned long long>(frames[i] + b[j] * bytes);
        moves[j] = i == 0 ? make_ulonglong2(page, frame) : make_ulonglong2(frame, page);
      }
      CHECK_CUDA(cudaMemcpy(sides[i].moves, moves.data(), count * sizeof(ulonglong2), cudaMemcpyHostToDevice));
      sides[i].count = count;
    }
    std::printf("tiles of %lld KiB\n", bytes >> 10);
    std::vector<Plan> all;
    for (Way way : {PLAIN, BULK4, BULK8, BULK2}) {
      for (int blocks : {1, 2, 4, 8, 16, 32, 64, 128}) {
        if (way != PLAIN && blocks == 1) continue;
        all.push_back({way, blocks, 512});
      }
    }
    all.push_back({PLAIN, 8, 128});
    all.push_back({PLAIN, 4, 128});
    all.push_back({PLAIN, 64, 128});
    for (const Plan& p : all) {
      std::printf("%-10s %3d blocks of %3d: to host %5.1f, to device %5.1f\n", name(p.way), p.blocks, p.threads,
                  measure(p, none, sides[0], sides[1], bytes), measure(none, p, sides[0], sides[1], bytes));
    }
    for (const Plan& d : all) {
      for (const Plan& u : all) {
        double rate = measure(d, u, sides[0], sides[1], bytes);
        if (rate > 70) {
          std::printf("both: %5.1f  to host %s %d x %d, to device %s %d x %d\n", rate, name(d.way), d.blocks,
                      d.threads, name(u.way), u.blocks, u.threads);
        }
      }
    }
    std::fflush(stdout);
  }
}
