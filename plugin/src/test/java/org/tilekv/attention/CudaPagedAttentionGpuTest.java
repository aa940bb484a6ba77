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
package org.tilekv.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.Kernels;
import org.tilekv.page.PageTable;

/**
 * Chunks of prefill and decode rows in one launch, over scattered pages, against {@link
 * ReferenceAttention}: the kernels for all devices, and those that an object takes by itself.
 */
@Tag("gpu")
class CudaPagedAttentionGpuTest {

  private static final int ROWS = 3;
  private static final int CONTEXT = 190;
  private static final int[] TILES = {16, 32, 64, 128};
  private static final int[] WINDOWS = {0, 37, 130};
  private static final KvDtype[] DTYPES = {KvDtype.BFLOAT16, KvDtype.FLOAT16, KvDtype.FLOAT32};

  /** dtype, head dim, query heads per KV head, tile tokens, window. */
  static Stream<Arguments> shapes() {
    Stream<Arguments> dims =
        IntStream.of(64, 80, 96, 128, 256)
            .boxed()
            .flatMap(dim -> cases(DTYPES).map(i -> shape(i, dim, 4, i + dim / 16)));
    Stream<Arguments> groups =
        IntStream.rangeClosed(1, 16)
            .boxed()
            .flatMap(
                group -> Stream.of(64, 128).map(dim -> shape(0, dim, group, group + dim / 64)));
    Stream<Arguments> tiles =
        IntStream.range(0, TILES.length)
            .boxed()
            .flatMap(tile -> Stream.of(64, 96, 256).map(dim -> shape(tile % 3, dim, 2, tile)));
    return Stream.of(dims, groups, tiles).flatMap(shapes -> shapes);
  }

  private static Stream<Integer> cases(KvDtype[] dtypes) {
    return IntStream.range(0, dtypes.length).boxed();
  }

  private static Arguments shape(int dtype, int dim, int group, int turn) {
    int tile = TILES[turn % TILES.length];
    return Arguments.of(DTYPES[dtype], dim, group, tile, WINDOWS[turn % WINDOWS.length]);
  }

  @ParameterizedTest(name = "{0} d{1} group {2} tiles of {3} window {4}")
  @MethodSource("shapes")
  void agreesWithReference(KvDtype dtype, int dim, int group, int tileTokens, int window) {
    AttentionFixture host = AttentionFixture.of(dtype, tileTokens, dim, 2, group, ROWS, CONTEXT);
    poisonUnwritten(host);
    try (CudaAttentionFixture gpu = new CudaAttentionFixture(host)) {
      Segments segments = mixed();
      int stride = (host.queryHeads + 4) * dim;
      float[] q = gpu.rounded(queries(host, segments, stride));
      float[] expected = new float[segments.tokens() * host.outWidth()];
      try (ComputePool pool = ComputePool.sameThread()) {
        host.reference()
            .attend(AttentionFixture.LAYER, window, segments, q, 0, stride, expected, pool);
      }
      try (CudaPagedAttention portable = gpu.portable();
          CudaPagedAttention best = gpu.best()) {
        check(gpu, portable, window, segments, q, stride, expected, dim);
        check(gpu, best, window, segments, q, stride, expected, dim);
      }
    }
  }

  @ParameterizedTest(name = "{0} d{1} group {2} tiles of {3} window {4}")
  @MethodSource("shapes")
  void hopperTakesItsOwnKernels(KvDtype dtype, int dim, int group, int tileTokens, int window) {
    AttentionFixture host = AttentionFixture.of(dtype, tileTokens, dim, 1, group, 1, 1);
    try (CudaAttentionFixture gpu = new CudaAttentionFixture(host);
        CudaPagedAttention best = gpu.best()) {
      Assumptions.assumeTrue(Kernels.runsHopperOnly(gpu.device), "not a Hopper GPU");
      boolean covered = dtype != KvDtype.FLOAT32 && dim % 64 == 0;
      assertThat(best.usesHopper()).isEqualTo(covered);
      assertThat(best.itemTokens()).isEqualTo((covered ? 128 : 64) / group);
    }
  }

  /** A prompt's beginning, a chunk of another row, two decode rows. */
  private static Segments mixed() {
    Segments segments = new Segments();
    segments.add(0, 0, 131);
    segments.add(1, 101, 67);
    segments.add(2, CONTEXT - 1, 1);
    segments.add(1, 15, 1);
    return segments;
  }

  private static float[] queries(AttentionFixture host, Segments segments, int stride) {
    float[] q = new float[segments.tokens() * stride];
    int width = host.outWidth();
    for (int s = 0; s < segments.size(); s++) {
      for (int i = 0; i < segments.count(s); i++) {
        int from = (segments.row(s) * host.context + segments.start(s) + i) * width;
        System.arraycopy(host.q, from, q, (segments.offset(s) + i) * stride, width);
      }
    }
    return q;
  }

  private static void check(
      CudaAttentionFixture gpu,
      CudaPagedAttention attention,
      int window,
      Segments segments,
      float[] q,
      int stride,
      float[] expected,
      int dim) {
    float[] whole = gpu.attend(attention, window, segments, q, stride, attention.itemTokens());
    double worst = 0;
    for (int head = 0; head < expected.length / dim; head++) {
      worst = Math.max(worst, relativeError(whole, expected, head * dim, dim));
    }
    assertThat(worst).isLessThan(tolerance(gpu.memory.geometry().dtype()));
    float[] single = gpu.attend(attention, window, segments, q, stride, 1);
    assertThat(single).as("cut token by token").isEqualTo(whole);
  }

  /** Weights are rounded to the element type before they meet V, the result once more. */
  private static double tolerance(KvDtype dtype) {
    return switch (dtype) {
      case FLOAT32 -> 5e-6;
      case FLOAT16 -> 1.5e-3;
      case BFLOAT16 -> 1e-2;
      case INT8 -> throw new IllegalArgumentException();
    };
  }

  private static double relativeError(float[] actual, float[] expected, int from, int count) {
    double error = 0;
    double norm = 0;
    for (int i = from; i < from + count; i++) {
      double difference = (double) actual[i] - expected[i];
      error += difference * difference;
      norm += (double) expected[i] * expected[i];
    }
    // Not a number is not below any tolerance.
    return Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.sqrt(error / norm);
  }

  /** What no row has written may be anything, also not a number. */
  private static void poisonUnwritten(AttentionFixture host) {
    TileGeometry geometry = host.geometry;
    PageTable table = host.memory.table();
    int last = table.maxTiles() - 1;
    for (int row = 0; row < ROWS; row++) {
      for (int head = 0; head < geometry.kvHeads(); head++) {
        int page = table.lookup(row, head, last);
        for (int slot = geometry.slotOf(CONTEXT); slot < geometry.tileTokens(); slot++) {
          poison(host.memory.arena(), page, geometry.keyOffset(AttentionFixture.LAYER, slot));
          poison(host.memory.arena(), page, geometry.valueOffset(AttentionFixture.LAYER, slot));
        }
      }
    }
  }

  private static void poison(TileArena arena, int page, int offset) {
    int from = arena.base(page) + offset;
    int to = from + arena.geometry().headDim();
    switch (arena.geometry().dtype()) {
      case FLOAT32 -> Arrays.fill(arena.floats(page), from, to, Float.NaN);
      case FLOAT16, BFLOAT16 -> Arrays.fill(arena.shorts(page), from, to, (short) 0x7fff);
      case INT8 -> throw new IllegalArgumentException();
    }
  }
}
