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
 * <p>The block's query rows are {@code [token][head of the group]}. Tiles are walked in spans of at
 * most {@link #MAX_SPAN} slots, small enough that K, V, scores and rows stay in the caches while
 * all tokens of the block use them. Span boundaries depend on positions alone, never on the block.
 */
final class AttentionWorker {

  private static final int MAX_SPAN = 64;
  private static final int BLOCK_ROWS = 64;
  private static final int SCORE_PADDING = 64;

  private final KvMemory memory;
  private final TileGeometry geometry;
  private final AttentionShape shape;
  private final int group;
  private final int dim;
  // Elements of the head from here on fill no vector.
  private final int tailDim;
  private final int span;
  private final int scoreStride;
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
  private short[] halves = {};
  private int halvesIndex;

  AttentionWorker(KvMemory memory, AttentionShape shape) {
    this.memory = memory;
    this.geometry = memory.arena().geometry();
    this.shape = shape;
    this.group = shape.groupSize();
    this.dim = shape.headDim();
    this.tailDim = FloatVector.SPECIES_PREFERRED.loopBound(dim);
    this.span = Math.min(MAX_SPAN, geometry.tileTokens());
    this.scoreStride = span + SCORE_PADDING;
    this.reader = SlotReader.of(memory.arena(), span);
    this.takesBf16 =
        geometry.dtype() == KvDtype.BFLOAT16
            && Bf16Kernel.takes(dim)
            && group % ScoreKernel.ROWS % (ScoreKernel.ROWS - 1) == 0;
    int maxRows = blockTokens(shape) * group + 1;
    this.softmax = new OnlineSoftmax(maxRows);
    this.rows = new float[maxRows * dim];
    this.sums = new float[maxRows * dim];
    this.partials = new float[ScoreKernel.partials(span)];
    this.scores = new float[maxRows * scoreStride];
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
    begin(count, q, qIndex, qStride);
    inPlace = count == 1 && takesBf16;
    int end = start + count;
    int first = AttentionShape.firstVisible(start, window) / span * span;
    for (int position = first; position < end; position += span) {
      int page = AttentionShape.page(memory.table(), row, head, geometry.tileOf(position));
      int from = Math.max(position, AttentionShape.firstVisible(start, window));
      int slots = Math.min(position + span, end) - from;
      warm(page, layer, geometry.slotOf(from), slots);
      locate(page, geometry.keyOffset(layer, geometry.slotOf(from)));
      if (!inPlace) {
        reader.keys(page, layer, geometry.slotOf(from), slots);
      }
      boolean allSeeAll = seesAll(start, start + count - 1, window, from, slots);
      if (allSeeAll) {
        scoreRows(0, count * group, 0, slots);
      } else {
        for (int t = 0; t < count; t++) {
          score(t, start + t, window, from, slots);
        }
      }
      locate(page, geometry.valueOffset(layer, geometry.slotOf(from)));
      if (!inPlace) {
        reader.values(page, layer, geometry.slotOf(from), slots);
      }
      if (allSeeAll) {
        accumulateRows(0, count * group, 0, slots, true);
      } else {
        for (int t = 0; t < count; t++) {
          accumulate(t, start + t, window, from, slots, t == count - 1);
        }
      }
    }
    finish(count, out, outIndex);
  }

  /** Whether every token of a block sees all of {@code slots} slots. */
  private static boolean seesAll(int first, int last, int window, int from, int slots) {
    return from + slots - 1 <= first && AttentionShape.firstVisible(last, window) <= from;
  }

  /** Reads K and V ahead where the kernels would be the first to. */
  private void warm(int page, int layer, int slot, int slots) {
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

  /** Where bfloat16 slots are that are used in place. */
  private void locate(int page, int elementOffset) {
    if (inPlace) {
      halves = memory.arena().shorts(page);
      halvesIndex = memory.arena().base(page) + elementOffset;
    }
  }

  private void begin(int count, float[] q, int qIndex, int qStride) {
    int width = group * dim;
    for (int t = 0; t < count; t++) {
      for (int i = 0; i < width; i++) {
        rows[t * width + i] = shape.scale() * q[qIndex + t * qStride + i];
      }
    }
    Arrays.fill(sums, 0, count * width, 0f);
    softmax.reset(count * group);
  }

  private void score(int token, int position, int window, int from, int slots) {
    int low = Math.max(from, AttentionShape.firstVisible(position, window));
    int visible = Math.min(from + slots, position + 1) - low;
    if (visible <= 0) {
      return;
    }
    scoreRows(token * group, (token + 1) * group, low - from, visible);
  }

  /**
   * Weights of rows {@code first} to {@code end - 1} for {@code visible} slots that begin {@code
   * skipped} slots into the span.
   */
  private void scoreRows(int first, int end, int skipped, int visible) {
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
        fold(r, ScoreKernel.ROWS, row + r, visible);
      }
    }
    for (; row < end; row++) {
      ScoreKernel.one(rows, row * dim, keys, keysIndex, dim, visible, partials);
      fold(0, 1, row, visible);
    }
    for (row = first; row < end; row++) {
      if (tailDim < dim) {
        ScoreFold.addTails(
            rows, row * dim, keys, keysIndex, dim, tailDim, visible, scores, row * scoreStride);
      }
      softmax.weigh(row, scores, row * scoreStride, visible);
    }
  }

  /** Scores of one row from the partial vectors of {@code rowsTogether}. */
  private void fold(int rowOfPartials, int rowsTogether, int row, int visible) {
    int vectors = ScoreKernel.KEYS * FloatVector.SPECIES_PREFERRED.length();
    ScoreFold.fold(
        partials,
        rowOfPartials * vectors,
        rowsTogether * vectors,
        scores,
        row * scoreStride,
        visible);
  }

  private void accumulate(int token, int position, int window, int from, int slots, boolean last) {
    int low = Math.max(from, AttentionShape.firstVisible(position, window));
    int visible = Math.min(from + slots, position + 1) - low;
    if (visible > 0) {
      accumulateRows(token * group, (token + 1) * group, low - from, visible, last);
    }
  }

  /**
   * @param last whether the row at {@code end} is not in use, so that three rows can be taken as
   *     four
   */
  private void accumulateRows(int first, int end, int skipped, int visible, boolean last) {
    float[] values = reader.array();
    int valuesIndex = reader.offset() + skipped * dim;
    int least = last ? ValueKernel.ROWS - 1 : ValueKernel.ROWS;
    int row = first;
    for (int r = row; r < end; r++) {
      if (softmax.factor(r) != 1f) {
        ValueKernel.scale(sums, r * dim, dim, softmax.factor(r));
      }
    }
    for (; end - row >= least; row += ValueKernel.ROWS) {
      int weights = row * scoreStride;
      if (inPlace) {
        Bf16Kernel.valuesOfFour(
            scores, weights, scoreStride, halves, halvesIndex, dim, visible, sums, row * dim);
      } else {
        ValueKernel.four(
            scores, weights, scoreStride, values, valuesIndex, dim, visible, sums, row * dim);
      }
    }
    for (; row < end; row++) {
      ValueKernel.one(
          scores, row * scoreStride, values, valuesIndex, dim, visible, sums, row * dim);
    }
  }

  private void finish(int count, float[] out, int outIndex) {
    int outStride = shape.queryHeads() * dim;
    for (int row = 0; row < count * group; row++) {
      float inverse = 1f / softmax.sum(row);
      int to = outIndex + row / group * outStride + row % group * dim;
      for (int d = 0; d < dim; d++) {
        out[to + d] = sums[row * dim + d] * inverse;
      }
    }
  }
}
