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
import jdk.incubator.vector.FloatVector;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;

/**
 * Attends from one block of tokens to one KV head at a time; owns the scratch memory of one worker.
 *
 * <p>The block's query rows are {@code [token][head of the group]}. Positions are walked in spans
 * of {@link #SPAN}, small enough that K, V, scores and rows stay in the caches while all tokens of
 * the block use them, and a span in parts that lie in one tile each. Boundaries of spans depend on
 * positions alone, neither on the block nor on the size of a tile.
 */
final class AttentionWorker {

  /** Positions that are attended at once. */
  static final int SPAN = 64;

  private static final int BLOCK_ROWS = 64;
  private static final int SCORE_STRIDE = SPAN + 64;

  private final KvMemory memory;
  private final TileGeometry geometry;
  private final AttentionShape shape;
  private final int group;
  private final int dim;
  // Elements of the head from here on fill no vector.
  private final int tailDim;
  private final SlotReader reader;
  private final OnlineSoftmax softmax;
  private final float[] rows;
  private final float[] sums;
  private final float[] scores;
  private final float[] partials;

  // Whether tokens alone read bfloat16 in place, and where; see locate.
  private final boolean takesBf16;
  private final CacheWarmer warmer = new CacheWarmer();
  private boolean inPlace;

  // The block that is attended from.
  private int layer;
  private int window;
  private int tableRow;
  private int head;
  private int start;
  private int count;
  private short[] halves = {};
  private int halvesIndex;

  AttentionWorker(KvMemory memory, AttentionShape shape) {
    this.memory = memory;
    this.geometry = memory.arena().geometry();
    this.shape = shape;
    this.group = shape.groupSize();
    this.dim = shape.headDim();
    this.tailDim = FloatVector.SPECIES_PREFERRED.loopBound(dim);
    this.reader = SlotReader.of(memory.arena(), Math.min(SPAN, geometry.tileTokens()));
    this.takesBf16 =
        geometry.dtype() == KvDtype.BFLOAT16
            && Bf16Kernel.takes(dim)
            && group % ScoreKernel.ROWS % (ScoreKernel.ROWS - 1) == 0;
    int maxRows = blockTokens(shape) * group + 1;
    this.softmax = new OnlineSoftmax(maxRows);
    this.rows = new float[maxRows * dim];
    this.sums = new float[maxRows * dim];
    this.partials = new float[ScoreKernel.partials(SPAN)];
    this.scores = new float[maxRows * SCORE_STRIDE];
  }

  /** Tokens of the largest block. */
  static int blockTokens(AttentionShape shape) {
    return Math.max(1, BLOCK_ROWS / shape.groupSize());
  }

  /**
   * @param row page-table row
   * @param start position of the block's first token
   * @param count tokens of the block
   * @param q token t, head g of the group at {@code qIndex + t * qStride + g * headDim}
   * @param out token t, head g of the group at {@code outIndex + t * outStride + g * headDim}
   */
  void attend(
      int layer,
      int window,
      int row,
      int head,
      int start,
      int count,
      float[] q,
      int qIndex,
      int qStride,
      float[] out,
      int outIndex) {
    this.layer = layer;
    this.window = window;
    this.tableRow = row;
    this.head = head;
    this.start = start;
    this.count = count;
    begin(q, qIndex, qStride);
    inPlace = count == 1 && takesBf16;
    int end = start + count;
    int first = AttentionShape.firstVisible(start, window);
    for (int position = first / SPAN * SPAN; position < end; position += SPAN) {
      int from = Math.max(position, first);
      int to = Math.min(position + SPAN, end);
      if (allSee(from, to)) {
        attendSpan(0, count * group, from, to);
      } else {
        attendMasked(from, to);
      }
    }
    finish(out, outIndex);
  }

  /**
   * Attends from all rows of a group, none of which has a window.
   *
   * @param segments what the group's rows are segments of
   * @param q of a segment at {@code qIndex + offset * qStride}, as in {@link #attend}
   * @param out of a segment at {@code outIndex + offset * queryHeads * headDim}
   */
  void attendGroup(
      int layer,
      int head,
      DecodeGroups groups,
      int groupIndex,
      Segments segments,
      float[] q,
      int qIndex,
      int qStride,
      float[] out,
      int outIndex) {
    this.layer = layer;
    this.head = head;
    count = groups.rows(groupIndex);
    for (int i = 0; i < count; i++) {
      int token = segments.offset(groups.segment(groupIndex, i));
      beginToken(i, q, qIndex + token * qStride);
    }
    beginSums();
    int sharedEnd = groups.sharedEnd(groupIndex);
    inPlace = false;
    tableRow = segments.row(groups.segment(groupIndex, 0));
    for (int position = 0; position < sharedEnd; position += SPAN) {
      attendSpan(0, count * group, position, position + SPAN);
    }
    for (int i = 0; i < count; i++) {
      // Three rows are taken as four only where the fourth is behind all others.
      inPlace = takesBf16 && (group % ScoreKernel.ROWS == 0 || i == count - 1);
      int segment = groups.segment(groupIndex, i);
      tableRow = segments.row(segment);
      int end = segments.start(segment) + 1;
      for (int position = sharedEnd; position < end; position += SPAN) {
        attendSpan(i * group, (i + 1) * group, position, Math.min(position + SPAN, end));
      }
      finishToken(i, out, outIndex + segments.offset(segment) * shape.queryHeads() * dim);
    }
  }

  /** Attends from rows {@code first} to {@code last - 1}, which see the whole span. */
  private void attendSpan(int first, int last, int from, int end) {
    warm(from, end);
    for (int at = from; at < end; at = partEnd(at, end)) {
      openKeys(at, partEnd(at, end) - at);
      scoreRows(first, last, 0, partEnd(at, end) - at, at - from);
    }
    for (int row = first; row < last; row++) {
      weighRow(row, end - from);
    }
    for (int at = from; at < end; at = partEnd(at, end)) {
      openValues(at, partEnd(at, end) - at);
      accumulateRows(first, last, 0, partEnd(at, end) - at, at - from);
    }
  }

  /** Attends from all tokens of the block, each of which sees a part of the span. */
  private void attendMasked(int from, int end) {
    warm(from, end);
    for (int at = from; at < end; at = partEnd(at, end)) {
      openKeys(at, partEnd(at, end) - at);
      scorePart(at, partEnd(at, end), from);
    }
    weigh(from, end);
    for (int at = from; at < end; at = partEnd(at, end)) {
      openValues(at, partEnd(at, end) - at);
      accumulatePart(at, partEnd(at, end), from);
    }
  }

  /** Whether every token of the block sees all of a span. */
  private boolean allSee(int from, int end) {
    return end - 1 <= start && AttentionShape.firstVisible(start + count - 1, window) <= from;
  }

  /** Where the part that begins at a position ends: with its tile or with the span. */
  private int partEnd(int position, int spanEnd) {
    return Math.min(spanEnd, (geometry.tileOf(position) + 1) * geometry.tileTokens());
  }

  private int page(int position) {
    return AttentionShape.page(memory.table(), tableRow, head, geometry.tileOf(position));
  }

  /** First position of a span that a token of the block sees. */
  private int lowest(int token, int spanFrom) {
    return Math.max(spanFrom, AttentionShape.firstVisible(start + token, window));
  }

  /** Reads K and V ahead where the kernels would be the first to. */
  private void warm(int from, int end) {
    for (int at = from; at < end; at = partEnd(at, end)) {
      warm(page(at), geometry.slotOf(at), partEnd(at, end) - at);
    }
  }

  private void warm(int page, int slot, int slots) {
    int keys = memory.arena().base(page) + geometry.keyOffset(layer, slot);
    int values = memory.arena().base(page) + geometry.valueOffset(layer, slot);
    if (inPlace) {
      warmer.sweep(memory.arena().shorts(page), keys, slots * dim);
      warmer.sweep(memory.arena().shorts(page), values, slots * dim);
    } else if (geometry.dtype() == KvDtype.FLOAT32) {
      warmer.sweep(memory.arena().floats(page), keys, slots * dim);
      warmer.sweep(memory.arena().floats(page), values, slots * dim);
    }
  }

  private void openKeys(int position, int slots) {
    int page = page(position);
    int slot = geometry.slotOf(position);
    if (inPlace) {
      locate(page, geometry.keyOffset(layer, slot));
    } else {
      reader.keys(page, layer, slot, slots);
    }
  }

  private void openValues(int position, int slots) {
    int page = page(position);
    int slot = geometry.slotOf(position);
    if (inPlace) {
      locate(page, geometry.valueOffset(layer, slot));
    } else {
      reader.values(page, layer, slot, slots);
    }
  }

  /** Where bfloat16 slots are that are used in place. */
  private void locate(int page, int elementOffset) {
    halves = memory.arena().shorts(page);
    halvesIndex = memory.arena().base(page) + elementOffset;
  }

  private void begin(float[] q, int qIndex, int qStride) {
    for (int t = 0; t < count; t++) {
      beginToken(t, q, qIndex + t * qStride);
    }
    beginSums();
  }

  private void beginToken(int token, float[] q, int qIndex) {
    int width = group * dim;
    for (int i = 0; i < width; i++) {
      rows[token * width + i] = shape.scale() * q[qIndex + i];
    }
  }

  private void beginSums() {
    Arrays.fill(sums, 0, count * group * dim, 0f);
    softmax.reset(count * group);
  }

  /** Scores of the positions from {@code at} to {@code end - 1}, which are open. */
  private void scorePart(int at, int end, int spanFrom) {
    for (int t = 0; t < count; t++) {
      int low = lowest(t, spanFrom);
      int first = Math.max(at, low);
      int visible = Math.min(end, start + t + 1) - first;
      if (visible > 0) {
        scoreRows(t * group, (t + 1) * group, first - at, visible, first - low);
      }
    }
  }

  /**
   * Scores of rows {@code first} to {@code end - 1} for {@code visible} open slots after {@code
   * skipped} ones; {@code to} is where they go in a row of scores.
   */
  private void scoreRows(int first, int end, int skipped, int visible, int to) {
    float[] keys = reader.array();
    int keysIndex = reader.offset() + skipped * dim;
    int row = first;
    // Three rows are taken as four; what the fourth gives is not used.
    for (; end - row >= ScoreKernel.ROWS - 1; row += ScoreKernel.ROWS) {
      if (inPlace) {
        Bf16Kernel.scoresOfFour(rows, row * dim, halves, halvesIndex, dim, visible, partials);
      } else {
        ScoreKernel.four(rows, row * dim, keys, keysIndex, dim, visible, partials);
      }
      for (int r = 0; r < Math.min(ScoreKernel.ROWS, end - row); r++) {
        fold(r, ScoreKernel.ROWS, (row + r) * SCORE_STRIDE + to, visible);
      }
    }
    for (; row < end; row++) {
      ScoreKernel.one(rows, row * dim, keys, keysIndex, dim, visible, partials);
      fold(0, 1, row * SCORE_STRIDE + to, visible);
    }
    for (row = first; tailDim < dim && row < end; row++) {
      ScoreFold.addTails(
          rows, row * dim, keys, keysIndex, dim, tailDim, visible, scores, row * SCORE_STRIDE + to);
    }
  }

  /** Turns the scores of a span into weights and shrinks what was summed up before. */
  private void weigh(int spanFrom, int end) {
    for (int t = 0; t < count; t++) {
      int visible = Math.min(end, start + t + 1) - lowest(t, spanFrom);
      for (int row = t * group; visible > 0 && row < (t + 1) * group; row++) {
        weighRow(row, visible);
      }
    }
  }

  private void weighRow(int row, int visible) {
    softmax.weigh(row, scores, row * SCORE_STRIDE, visible);
    if (softmax.factor(row) != 1f) {
      ValueKernel.scale(sums, row * dim, dim, softmax.factor(row));
    }
  }

  /** Scores of one row from the partial vectors of {@code rowsTogether}. */
  private void fold(int rowOfPartials, int rowsTogether, int to, int visible) {
    int vectors = ScoreKernel.KEYS * FloatVector.SPECIES_PREFERRED.length();
    ScoreFold.fold(partials, rowOfPartials * vectors, rowsTogether * vectors, scores, to, visible);
  }

  /** Adds the weighted values of the positions from {@code at} to {@code end - 1}. */
  private void accumulatePart(int at, int end, int spanFrom) {
    for (int t = 0; t < count; t++) {
      int low = lowest(t, spanFrom);
      int first = Math.max(at, low);
      int visible = Math.min(end, start + t + 1) - first;
      if (visible > 0) {
        accumulateRows(t * group, (t + 1) * group, first - at, visible, first - low);
      }
    }
  }

  private void accumulateRows(int first, int end, int skipped, int visible, int from) {
    float[] values = reader.array();
    int valuesIndex = reader.offset() + skipped * dim;
    // Behind the block's last row there is one that is not in use: three rows are taken as four.
    int least = end == count * group ? ValueKernel.ROWS - 1 : ValueKernel.ROWS;
    int row = first;
    for (; end - row >= least; row += ValueKernel.ROWS) {
      int weights = row * SCORE_STRIDE + from;
      if (inPlace) {
        Bf16Kernel.valuesOfFour(
            scores, weights, SCORE_STRIDE, halves, halvesIndex, dim, visible, sums, row * dim);
      } else {
        ValueKernel.four(
            scores, weights, SCORE_STRIDE, values, valuesIndex, dim, visible, sums, row * dim);
      }
    }
    for (; row < end; row++) {
      ValueKernel.one(
          scores, row * SCORE_STRIDE + from, values, valuesIndex, dim, visible, sums, row * dim);
    }
  }

  private void finish(float[] out, int outIndex) {
    for (int t = 0; t < count; t++) {
      finishToken(t, out, outIndex + t * shape.queryHeads() * dim);
    }
  }

  private void finishToken(int token, float[] out, int outIndex) {
    for (int row = token * group; row < (token + 1) * group; row++) {
      float inverse = 1f / softmax.sum(row);
      int to = outIndex + row % group * dim;
      for (int d = 0; d < dim; d++) {
        out[to + d] = sums[row * dim + d] * inverse;
      }
    }
  }
}
