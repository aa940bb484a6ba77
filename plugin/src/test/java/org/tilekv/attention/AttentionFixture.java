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

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.page.PageTable;

/**
 * Rows of random q, K and V over scattered pages. Contents depend on the seed of the contents
 * alone; which pages hold them depends on the seed of the pages.
 */
final class AttentionFixture {

  static final int LAYERS = 2;
  static final int LAYER = 1;

  final TileGeometry geometry;
  final int queryHeads;
  final int rows;
  final int context;
  final KvMemory memory;
  final float[] q;
  final float[] k;
  final float[] v;

  private AttentionFixture(
      TileGeometry geometry, int group, int rows, int context, long contentSeed, long pageSeed) {
    this.geometry = geometry;
    this.queryHeads = group * geometry.kvHeads();
    this.rows = rows;
    this.context = context;
    this.memory = scattered(geometry, rows, context, new Random(pageSeed));
    Random random = new Random(contentSeed);
    int tokens = rows * context;
    q = gaussians(random, tokens * queryHeads * geometry.headDim());
    k = gaussians(random, tokens * geometry.kvHeads() * geometry.headDim());
    v = gaussians(random, tokens * geometry.kvHeads() * geometry.headDim());
  }

  static AttentionFixture of(
      KvDtype dtype, int tileTokens, int headDim, int kvHeads, int group, int rows, int context) {
    return of(dtype, tileTokens, headDim, kvHeads, group, rows, context, 1);
  }

  static AttentionFixture of(
      KvDtype dtype,
      int tileTokens,
      int headDim,
      int kvHeads,
      int group,
      int rows,
      int context,
      long pageSeed) {
    TileGeometry geometry = new TileGeometry(LAYERS, kvHeads, headDim, tileTokens, dtype);
    AttentionFixture fixture = new AttentionFixture(geometry, group, rows, context, 7, pageSeed);
    fixture.append(CpuPagedAttention.create(fixture.memory, fixture.queryHeads, 1f));
    return fixture;
  }

  private static KvMemory scattered(TileGeometry geometry, int rows, int context, Random random) {
    int tiles = geometry.tilesFor(context);
    int pages = rows * geometry.kvHeads() * tiles;
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < pages; i++) {
      ids.add(i);
    }
    Collections.shuffle(ids, random);
    PageTable table = new PageTable(rows, geometry.kvHeads(), tiles);
    for (int i = 0; i < pages; i++) {
      table.assign(
          i / tiles / geometry.kvHeads(), i / tiles % geometry.kvHeads(), i % tiles, ids.get(i));
    }
    return new KvMemory(table, TileArena.allocate(geometry, pages));
  }

  /** Lets some rows begin with the pages of others. */
  void share(Random random) {
    PageTable table = memory.table();
    for (int i = 0; i < 2 * rows; i++) {
      int from = random.nextInt(rows);
      int to = random.nextInt(rows);
      int tiles = random.nextInt(geometry.tilesFor(context) + 1);
      for (int tile = 0; tile < tiles; tile++) {
        for (int head = 0; head < geometry.kvHeads(); head++) {
          table.assign(to, head, tile, table.lookup(from, head, tile));
        }
      }
    }
  }

  /** The rows in random order, each at a random position; some with a few tokens. */
  Segments decodeRows(Random random) {
    List<Integer> order = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      order.add(row);
    }
    Collections.shuffle(order, random);
    Segments step = new Segments();
    for (int row : order) {
      int count = random.nextInt(8) == 0 ? 2 + random.nextInt(5) : 1;
      step.add(row, random.nextInt(context - count), count);
    }
    return step;
  }

  private static float[] gaussians(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  float scale() {
    return (float) (1 / Math.sqrt(geometry.headDim()));
  }

  int outWidth() {
    return queryHeads * geometry.headDim();
  }

  CpuPagedAttention cpu() {
    return CpuPagedAttention.create(memory, queryHeads, scale());
  }

  ReferenceAttention reference() {
    return ReferenceAttention.create(memory, queryHeads, scale());
  }

  private void append(PagedAttention attention) {
    int stride = geometry.kvHeads() * geometry.headDim();
    try (ComputePool pool = ComputePool.sameThread()) {
      attention.append(LAYER, wholeRows(), k, 0, v, 0, stride, pool);
    }
  }

  Segments wholeRows() {
    Segments segments = new Segments();
    for (int row = 0; row < rows; row++) {
      segments.add(row, 0, context);
    }
    return segments;
  }

  /** Attends from every token of every row at once: [row][position][queryHeads * headDim]. */
  float[] attendAll(PagedAttention attention, int window, ComputePool pool) {
    float[] out = new float[rows * context * outWidth()];
    attention.attend(LAYER, window, wholeRows(), q, 0, outWidth(), out, pool);
    return out;
  }

  /** The same in chunks of one row each; {@code chunks} are cycled through. */
  float[] attendInChunks(PagedAttention attention, int window, ComputePool pool, int... chunks) {
    float[] out = new float[rows * context * outWidth()];
    for (int row = 0; row < rows; row++) {
      int chunk = 0;
      for (int start = 0; start < context; chunk++) {
        int count = Math.min(chunks[chunk % chunks.length], context - start);
        Segments segments = new Segments();
        segments.add(row, start, count);
        int offset = (row * context + start) * outWidth();
        float[] part = new float[count * outWidth()];
        attention.attend(LAYER, window, segments, q, offset, outWidth(), part, pool);
        System.arraycopy(part, 0, out, offset, part.length);
        start += count;
      }
    }
    return out;
  }
}
