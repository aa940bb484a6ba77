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
#include "tilekv/ops/copy_tiles.cuh"
#include "support.cuh"

using namespace test;

namespace {

constexpr size_t BYTES = size_t{256} << 20;

__global__ void __launch_bounds__(512) plain(const ulonglong2* moves, int count, long long bytes) {
  tilekv::copyTiles(moves, count, bytes);
}

struct Plan {
  int blocks;
  int threads;
};

struct Side {
  cudaStream_t stream;
  ulonglong2* moves;
  int count;
};

void launch(const Plan& p, const Side& s, long long bytes) {
  if (p.blocks > 0) plain<<<p.blocks, p.threads, 0, s.stream>>>(s.moves, s.count, bytes);
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
  double ways = (down.blocks > 0) + (up.blocks > 0);
  return ways * BYTES / times[times.size() / 2] * 1e-6;
}

}  // namespace

int main() {
  char *pages[2], *frames[2];
  Side sides[2];
  for (int i = 0; i < 2; i++) {
    CHECK_CUDA(cudaMalloc(&pages[i], BYTES));
    CHECK_CUDA(cudaMallocHost(&frames[i], BYTES));
    CHECK_CUDA(cudaStreamCreateWithFlags(&sides[i].stream, cudaStreamNonBlocking));
    CHECK_CUDA(cudaMalloc(&sides[i].moves, BYTES / 16384 * sizeof(ulonglong2)));
  }
  const Plan none{0, 0};
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
    for (const Plan& p : {Plan{2, 512}, Plan{4, 512}, Plan{8, 512}, Plan{16, 512}, Plan{64, 128}, Plan{64, 512}}) {
      std::printf("%3d blocks of %3d: to host %5.1f, to device %5.1f\n", p.blocks, p.threads,
                  measure(p, none, sides[0], sides[1], bytes), measure(none, p, sides[0], sides[1], bytes));
    }
    for (const Plan& d : {Plan{2, 512}, Plan{3, 512}, Plan{4, 512}, Plan{5, 512}, Plan{6, 512}, Plan{8, 512}, Plan{10, 128},
                          Plan{12, 128}, Plan{14, 128}, Plan{16, 128}, Plan{12, 256}}) {
      for (const Plan& u : {Plan{8, 512}, Plan{12, 512}, Plan{16, 512}, Plan{32, 512}, Plan{48, 128}, Plan{64, 128}, Plan{96, 128},
                            Plan{128, 128}, Plan{132, 256}, Plan{132, 512}}) {
        std::printf("both: %5.1f  to host %d %d to device %d %d\n", measure(d, u, sides[0], sides[1], bytes), d.blocks,
                    d.threads, u.blocks, u.threads);
      }
    }
    std::fflush(stdout);
  }
}
