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

import java.util.Arrays;
import org.tilekv.ComputePool;
import org.tilekv.TileGeometry;

/**
 * Paged attention on the CPU with the Vector API: one pass over the tiles with a running maximum.
 *
 * <p>Threads share out (block of a segment's tokens, KV head), and decode rows that begin with the
 * same pages as one block, which reads those pages once; the context of a token is never split, so
 * that its result has the same bits in any batch, chunk and number of workers. The bits do depend
 * on the tile size and on the machine's vector width. Scratch memory per worker is allocated on
 * first use. One caller at a time, as with {@link ComputePool}.
 */
public final class CpuPagedAttention implements PagedAttention {

  // Below this many elements a step is stored faster than helpers wake up.
  private static final int MIN_PARALLEL_ELEMENTS = 1 << 15;
  private static final int APPEND_TOKENS = 64;

  private final KvMemory memory;
  private final TileGeometry geometry;
  private final AttentionShape shape;
  private final TileWriter writer;
  private final TokenBlocks blocks = new TokenBlocks();
  private final DecodeGroups groups;
  private AttentionWorker[] workers = {};

  private CpuPagedAttention(KvMemory memory, AttentionShape shape) {
    this.memory = memory;
    this.geometry = memory.arena().geometry();
    this.shape = shape;
    this.writer = new TileWriter(memory.arena());
    this.groups = new DecodeGroups(geometry.tileTokens(), AttentionWorker.SPAN, shape.kvHeads());
  }

  /**
   * @param memory page table and arena; the arena's geometry fixes KV heads, head dim, tile size
   *     and dtype, of which all are supported
   * @param queryHeads query heads, a multiple of the KV heads
   * @param scale factor of every score, usually {@code 1 / sqrt(headDim)}
   */
  public static CpuPagedAttention create(KvMemory memory, int queryHeads, float scale) {
    return new CpuPagedAttention(memory, AttentionShape.of(memory, queryHeads, scale));
  }

  @Override
  public void append(
      int layer,
      Segments segments,
      float[] k,
      int kOffset,
      float[] v,
      int vOffset,
      int rowStride,
      ComputePool pool) {
    blocks.cut(segments, APPEND_TOKENS);
    int items = blocks.size() * shape.kvHeads();
    ComputePool.Body body =
        (item, worker) ->
            appendBlock(
                layer,
                segments,
                item / shape.kvHeads(),
                item % shape.kvHeads(),
                k,
                kOffset,
                v,
                vOffset,
                rowStride);
    if ((long) segments.tokens() * shape.kvHeads() * shape.headDim() < MIN_PARALLEL_ELEMENTS) {
      for (int item = 0; item < items; item++) {
        body.run(item, 0);
      }
    } else {
      pool.forEach(items, body);
    }
  }

  private void appendBlock(
      int layer,
      Segments segments,
      int block,
      int head,
      float[] k,
      int kOffset,
      float[] v,
      int vOffset,
      int rowStride) {
    int segment = blocks.segment(block);
    int first = blocks.first(block);
    for (int i = first; i < first + blocks.count(block); i++) {
      int position = segments.start(segment) + i;
      int page =
          AttentionShape.page(
              memory.table(), segments.row(segment), head, geometry.tileOf(position));
      int slot = geometry.slotOf(position);
      int from = (segments.offset(segment) + i) * rowStride + head * shape.headDim();
      writer.key(page, layer, slot, k, kOffset + from);
      writer.value(page, layer, slot, v, vOffset + from);
    }
  }

  @Override
  public void attend(
      int layer,
      int window,
      Segments segments,
      float[] q,
      int qOffset,
      int qStride,
      float[] out,
      ComputePool pool) {
    AttentionShape.checkWindow(window);
    ensureWorkers(pool.workers());
    groupDecodeRows(window, segments, pool.workers());
    int heads = shape.kvHeads();
    pool.forEach(
        (blocks.size() + groups.size()) * heads,
        (item, worker) -> {
          int block = item / heads;
          if (block < blocks.size()) {
            attendBlock(
                layer,
                window,
                segments,
                block,
                item % heads,
                q,
                qOffset,
                qStride,
                out,
                workers[worker]);
          } else {
            int headOffset = item % heads * shape.groupSize() * shape.headDim();
            workers[worker].attendGroup(
                layer,
                item % heads,
                groups,
                block - blocks.size(),
                segments,
                q,
                qOffset + headOffset,
                qStride,
                out,
                headOffset);
          }
        });
  }

  /** Rows of one token are blocks where they have a window, and else in groups. */
  private void groupDecodeRows(int window, Segments segments, int workers) {
    int blockTokens = AttentionWorker.blockTokens(shape);
    if (window > 0) {
      groups.clear();
      blocks.cut(segments, blockTokens);
      return;
    }
    blocks.cut(segments, blockTokens, 2);
    int share = segments.size() * shape.kvHeads() / (2 * workers);
    groups.find(segments, memory.table(), Math.max(1, Math.min(blockTokens, share)));
  }

  private void attendBlock(
      int layer,
      int window,
      Segments segments,
      int block,
      int head,
      float[] q,
      int qOffset,
      int qStride,
      float[] out,
      AttentionWorker worker) {
    int segment = blocks.segment(block);
    int first = blocks.first(block);
    int token = segments.offset(segment) + first;
    int headOffset = head * shape.groupSize() * shape.headDim();
    worker.attend(
        layer,
        window,
        segments.row(segment),
        head,
        segments.start(segment) + first,
        blocks.count(block),
        q,
        qOffset + token * qStride + headOffset,
        qStride,
        out,
        token * shape.queryHeads() * shape.headDim() + headOffset);
  }

  private void ensureWorkers(int count) {
    if (workers.length < count) {
      AttentionWorker[] more = Arrays.copyOf(workers, count);
      for (int i = workers.length; i < count; i++) {
        more[i] = new AttentionWorker(memory, shape);
      }
      workers = more;
    }
  }
}
