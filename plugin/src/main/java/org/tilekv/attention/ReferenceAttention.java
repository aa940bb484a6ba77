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

import org.tilekv.ComputePool;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;

/**
 * The definition of paged attention in plain Java: every dtype, double precision, one score after
 * the other. Slow; tests and doubts compare against it. Runs in the calling thread.
 */
public final class ReferenceAttention implements PagedAttention {

  private final KvMemory memory;
  private final TileGeometry geometry;
  private final AttentionShape shape;
  private final TileWriter writer;

  private ReferenceAttention(KvMemory memory, AttentionShape shape) {
    this.memory = memory;
    this.geometry = memory.arena().geometry();
    this.shape = shape;
    this.writer = new TileWriter(memory.arena());
  }

  /**
   * @param queryHeads query heads, a multiple of the KV heads
   * @param scale factor of every score, usually {@code 1 / sqrt(headDim)}
   */
  public static ReferenceAttention create(KvMemory memory, int queryHeads, float scale) {
    return new ReferenceAttention(memory, AttentionShape.of(memory, queryHeads, scale));
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
    for (int segment = 0; segment < segments.size(); segment++) {
      for (int i = 0; i < segments.count(segment); i++) {
        int position = segments.start(segment) + i;
        int token = (segments.offset(segment) + i) * rowStride;
        for (int head = 0; head < shape.kvHeads(); head++) {
          int page = page(segments.row(segment), head, position);
          int slot = geometry.slotOf(position);
          int from = token + head * shape.headDim();
          writer.key(page, layer, slot, k, kOffset + from);
          writer.value(page, layer, slot, v, vOffset + from);
        }
      }
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
    for (int segment = 0; segment < segments.size(); segment++) {
      for (int i = 0; i < segments.count(segment); i++) {
        int token = segments.offset(segment) + i;
        for (int head = 0; head < shape.queryHeads(); head++) {
          attendOne(
              layer,
              window,
              segments.row(segment),
              segments.start(segment) + i,
              head / shape.groupSize(),
              q,
              qOffset + token * qStride + head * shape.headDim(),
              out,
              (token * shape.queryHeads() + head) * shape.headDim());
        }
      }
    }
  }

  private void attendOne(
      int layer,
      int window,
      int row,
      int position,
      int kvHead,
      float[] q,
      int qIndex,
      float[] out,
      int outIndex) {
    int first = AttentionShape.firstVisible(position, window);
    double[] weights = new double[position - first + 1];
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < weights.length; i++) {
      double dot = 0;
      for (int d = 0; d < shape.headDim(); d++) {
        dot += (double) q[qIndex + d] * element(layer, row, kvHead, first + i, d, true);
      }
      weights[i] = shape.scale() * dot;
      max = Math.max(max, weights[i]);
    }
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = StrictMath.exp(weights[i] - max);
      sum += weights[i];
    }
    for (int d = 0; d < shape.headDim(); d++) {
      double value = 0;
      for (int i = 0; i < weights.length; i++) {
        value += weights[i] * element(layer, row, kvHead, first + i, d, false);
      }
      out[outIndex + d] = (float) (value / sum);
    }
  }

  /** One stored element of K or V as a float. */
  private float element(int layer, int row, int head, int position, int d, boolean key) {
    TileArena arena = memory.arena();
    int page = page(row, head, position);
    int slot = geometry.slotOf(position);
    int base = arena.base(page);
    int index =
        base + d + (key ? geometry.keyOffset(layer, slot) : geometry.valueOffset(layer, slot));
    return switch (geometry.dtype()) {
      case FLOAT32 -> arena.floats(page)[index];
      case BFLOAT16 -> Bf16.toFloat(arena.shorts(page)[index]);
      case FLOAT16 -> Fp16.toFloat(arena.shorts(page)[index]);
      case INT8 -> {
        int scale =
            key ? geometry.keyScaleOffset(layer, slot) : geometry.valueScaleOffset(layer, slot);
        yield arena.bytes(page)[index] * Int8.scale(arena.bytes(page), base + scale);
      }
    };
  }

  private int page(int row, int head, int position) {
    return AttentionShape.page(memory.table(), row, head, geometry.tileOf(position));
  }
}
