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
// Times of the prefill and element-wise kernels at the sizes of real models: medians of replayed
// graphs.
#include "../../main/cuda/decoder_ops.cu"
#include "decoder_kernels.cuh"
#include "prefill_kernels.cuh"

using namespace test;

namespace {

// Attention of equal segments; keys and values are random, pages shuffled.
void benchPrefill(Kind kind, int headDim, int kvHeads, int group, int segments, int start, int count, int tile,
                  int window) {
  Shape shape{headDim, kvHeads, group, tile, window, 1, 0};
  int tokens = segments * count, stride = shape.queryHeads() * headDim;
  int maxTiles = (start + count + tile - 1) / tile;
  int pages = segments * kvHeads * maxTiles;
  Random random(1);
  std::vector<bf16> some = random.normals<bf16>(1 << 20);
  Device<bf16> q(static_cast<size_t>(tokens) * stride), out(q.size());
  Device<bf16> pool(static_cast<size_t>(pages) * shape.tileElements());
  for (Device<bf16>* target : {&q, &pool}) {
    for (size_t i = 0; i < target->size(); i += some.size()) {
      CHECK_CUDA(cudaMemcpy(target->get() + i, some.data(),
                            std::min(some.size(), target->size() - i) * 2, cudaMemcpyHostToDevice));
    }
  }
  std::vector<int> table(pages);
  for (int i = 0; i < pages; i++) table[i] = i;
  std::shuffle(table.begin(), table.end(), random.engine());
  Device<PoolMap> map = makePoolMap(pool.get(), pool.size(), headDim, tile);
  std::vector<int4> work;
  int most = rowsOfItem(kind) / group;
  for (int s = 0; s < segments; s++) {
    for (int first = (count - 1) / most * most; first >= 0; first -= most) {
      work.push_back({s, start + first, s * count + first, std::min(most, count - first)});
    }
  }
  Device<int> pageTable(table);
  Device<int4> items(work);
  double keys = 0;
  for (int i = 0; i < count; i++) keys += window == 0 ? start + i + 1 : std::min(window, start + i + 1);
  double flop = 4.0 * headDim * shape.queryHeads() * segments * keys;
  double micros = medianMicros(4, 9, [&](cudaStream_t stream, int) {
    launchPrefill<bf16>(kind, {shape, maxTiles, q, out, pool, pageTable, items, map, stride, stride},
                        stream);
  });
  std::printf("%s d=%d %dq/%dkv %dx%d@%d tile=%d window=%d: %.1f us, %.1f TFLOP/s\n",
              kind == Kind::MMA ? "mma" : "tma", headDim,
              shape.queryHeads(), kvHeads, segments, count, start, tile, window, micros,
              flop / micros * 1e-6);
}

void line(const char* name, int tokens, double micros, double bytes) {
  std::printf("%-12s %6d tokens: %8.2f us, %6.0f GB/s\n", name, tokens, micros, bytes / micros * 1e-3);
}

// Element-wise kernels of a 2048 / 8192 wide layer with 32 q and 8 kv heads of 64.
void benchOperations(int tokens) {
  constexpr int HIDDEN = 2048, INNER = 8192, Q = 32, KV = 8, D = 64, TILE = 16, VOCAB = 128256;
  using K = Kernels<bf16>;
  size_t n = tokens;
  Random random(1);
  Device<float> stream(n * HIDDEN), add(n * HIDDEN), qkv(n * (Q + 2 * KV) * D);
  Device<bf16> out(n * HIDDEN), gateUp(n * 2 * INNER),
      inner(n * INNER), queries(n * Q * D), weight(INNER), pool((n + TILE) * KV * 2 * D),
      table(size_t{8192} * HIDDEN);
  for (Device<float>* x : {&stream, &add, &qkv}) CHECK_CUDA(cudaMemset(x->get(), 0x3c, x->size() * 4));
  for (Device<bf16>* x : {&gateUp, &weight, &table}) {
    CHECK_CUDA(cudaMemset(x->get(), 0x3c, x->size() * 2));
  }
  Device<float> rope(size_t{8192} * D);
  CHECK_CUDA(cudaMemset(rope.get(), 0, rope.size() * 4));
  int tiles = tokens / TILE + 1;
  std::vector<int> positions(n), rows(n, 0), pages(KV * tiles), ids(n);
  for (int t = 0; t < tokens; t++) positions[t] = t % 8192;
  for (int t = 0; t < tokens; t++) ids[t] = random.between(0, 8191);
  for (size_t i = 0; i < pages.size(); i++) pages[i] = static_cast<int>(i);
  Device<int> where(positions), row(rows), pageTable(pages), tokenIds(ids), chosen(n);
  line("embed", tokens, medianMicros(10, 9, [&](cudaStream_t s, int) {
         K::embed<<<tokens, 256, 0, s>>>(table.get(), tokenIds.get(), stream.get(), 8192, HIDDEN);
       }), n * HIDDEN * 6.0);
  line("add+norm", tokens, medianMicros(10, 9, [&](cudaStream_t s, int) {
         K::norm<<<tokens, normBlock(HIDDEN), 0, s>>>(stream.get(), add.get(), nullptr, weight.get(),
                                                      out.get(), nullptr, HIDDEN, 1e-5f);
       }), n * HIDDEN * 14.0);
  line("rope+append", tokens, medianMicros(10, 9, [&](cudaStream_t s, int) {
         K::rope<<<ropeBlocks(tokens, Q + 2 * KV, D, 128), 128, 0, s>>>(
             qkv.get(), queries.get(), nullptr, nullptr, nullptr, 1e-5f, rope.get(), row.get(), where.get(),
             pool.get(), pageTable.get(), tokens, Q, KV, D, tiles, 4, 2 * TILE * D, 0,
             (Q + 2 * KV) * D);
       }), n * (Q + 2 * KV) * D * 6.0);
  line("swiglu", tokens, medianMicros(10, 9, [&](cudaStream_t s, int) {
         K::swiglu<<<static_cast<unsigned>((n * INNER / 8 + 255) / 256), 256, 0, s>>>(
             gateUp.get(), nullptr, inner.get(), tokens, INNER);
       }), n * INNER * 6.0);
  if (tokens > 512) return;
  Device<bf16> logits(n * VOCAB);
  CHECK_CUDA(cudaMemset(logits.get(), 0x3c, logits.size() * 2));
  Device<float> floats(n * VOCAB);
  line("argmax", tokens, medianMicros(10, 9, [&](cudaStream_t s, int) {
         K::argmax<<<tokens, 1024, 0, s>>>(logits.get(), chosen.get(), VOCAB, VOCAB);
       }), n * VOCAB * 2.0);
  line("copy_logits", tokens, medianMicros(10, 9, [&](cudaStream_t s, int) {
         K::copyLogits<<<tokens, 1024, 0, s>>>(logits.get(), floats.get(), VOCAB, VOCAB);
       }), n * VOCAB * 6.0);
}

}  // namespace

int main(int argc, char** argv) {
  for (Kind kind : kindsNamed(argc > 1 ? argv[1] : "both")) {
    benchPrefill(kind, 128, 8, 4, 64, 0, 512, 16, 0);
    benchPrefill(kind, 64, 8, 4, 256, 384, 128, 16, 0);
    benchPrefill(kind, 64, 8, 4, 256, 384, 128, 128, 0);
    benchPrefill(kind, 64, 8, 4, 256, 384, 1, 16, 0);
    benchPrefill(kind, 128, 8, 4, 16, 0, 2048, 16, 0);
    benchPrefill(kind, 128, 8, 4, 16, 0, 2048, 64, 0);
    benchPrefill(kind, 128, 8, 4, 16, 0, 2048, 16, 512);
    benchPrefill(kind, 256, 8, 4, 8, 0, 2048, 16, 0);
  }
  if (argc > 2) return 0;  // attention only
  benchOperations(1);
  benchOperations(256);
  benchOperations(8192);
}
