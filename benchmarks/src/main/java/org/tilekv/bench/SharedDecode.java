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
package org.tilekv.bench;

import java.util.Arrays;
import java.util.Locale;
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.attention.CpuPagedAttention;
import org.tilekv.attention.KvMemory;
import org.tilekv.attention.Segments;
import org.tilekv.page.PageTable;

/**
 * A decode step of rows that share a prefix, one layer on one thread: with the prefix on the same
 * pages for all rows, and with a copy of it for each.
 */
public final class SharedDecode {

  private static final int ROWS = 32;
  private static final int TILE_TOKENS = 16;
  private static final int OWN_TOKENS = 48;
  // Of tiles, in turns, so that rows of their own come from memory or a far cache.
  private static final int ELEMENTS = 8 * 2 * 64;
  private static final int STEPS = 60;
  private static final int ROUNDS = 9;

  private final ComputePool pool = ComputePool.sameThread();
  private final TileGeometry geometry;
  private final int queryHeads;
  private final int layers;
  private final CpuPagedAttention attention;
  private final Segments step = new Segments();
  private final float[] q;
  private final float[] out;

  private SharedDecode(
      int queryHeads, int kvHeads, int headDim, int prefix, KvDtype dtype, boolean shared) {
    this.queryHeads = queryHeads;
    layers = Math.max(1, ELEMENTS / (kvHeads * headDim));
    geometry = new TileGeometry(layers, kvHeads, headDim, TILE_TOKENS, dtype);
    int prefixTiles = prefix / TILE_TOKENS;
    int tiles = prefixTiles + OWN_TOKENS / TILE_TOKENS;
    PageTable table = new PageTable(ROWS, kvHeads, tiles);
    int pages = 0;
    for (int row = 0; row < ROWS; row++) {
      for (int tile = 0; tile < tiles; tile++) {
        for (int head = 0; head < kvHeads; head++) {
          boolean copied = shared && row > 0 && tile < prefixTiles;
          table.assign(row, head, tile, copied ? table.lookup(0, head, tile) : pages++);
        }
      }
      step.add(row, prefix + OWN_TOKENS - 1, 1);
    }
    KvMemory memory = new KvMemory(table, TileArena.allocate(geometry, pages));
    attention = CpuPagedAttention.create(memory, queryHeads, (float) (1 / Math.sqrt(headDim)));
    fill(prefix + OWN_TOKENS);
    q = AttentionBenchmark.gaussians(ROWS * queryHeads * headDim);
    out = new float[q.length];
  }

  private void fill(int context) {
    int stride = geometry.kvHeads() * geometry.headDim();
    float[] kv = AttentionBenchmark.gaussians(context * stride);
    for (int row = 0; row < ROWS; row++) {
      Segments all = new Segments();
      all.add(row, 0, context);
      for (int layer = 0; layer < layers; layer++) {
        attention.append(layer, all, kv, 0, kv, 0, stride, pool);
      }
    }
  }

  /** Microseconds of a layer. */
  private double time() {
    long start = System.nanoTime();
    for (int i = 0; i < STEPS; i++) {
      attention.attend(i % layers, 0, step, q, 0, queryHeads * geometry.headDim(), out, pool);
    }
    return (System.nanoTime() - start) / 1e3 / STEPS;
  }

  public static void main(String[] args) {
    for (int[] shape : new int[][] {{4, 2, 64}, {32, 8, 128}}) {
      for (KvDtype dtype : new KvDtype[] {KvDtype.FLOAT32, KvDtype.BFLOAT16, KvDtype.INT8}) {
        for (int prefix : new int[] {512, 2048}) {
          run(shape, dtype, prefix);
        }
      }
    }
  }

  private static void run(int[] shape, KvDtype dtype, int prefix) {
    SharedDecode shared = new SharedDecode(shape[0], shape[1], shape[2], prefix, dtype, true);
    SharedDecode own = new SharedDecode(shape[0], shape[1], shape[2], prefix, dtype, false);
    double[][] us = new double[2][ROUNDS];
    for (int i = -2; i < ROUNDS; i++) {
      double a = shared.time();
      double b = own.time();
      if (i >= 0) {
        us[0][i] = a;
        us[1][i] = b;
      }
    }
    Arrays.sort(us[0]);
    Arrays.sort(us[1]);
    if (!Arrays.equals(shared.out, own.out)) {
      throw new IllegalStateException("shared and own pages give different results");
    }
    System.out.printf(
        Locale.ROOT,
        "heads %d/%d/%d, %-8s, %4d tokens shared: same pages %7.0f us, own pages %7.0f us, %.2f times%n",
        shape[0],
        shape[1],
        shape[2],
        dtype,
        prefix,
        us[0][ROUNDS / 2],
        us[1][ROUNDS / 2],
        us[1][ROUNDS / 2] / us[0][ROUNDS / 2]);
  }
}
