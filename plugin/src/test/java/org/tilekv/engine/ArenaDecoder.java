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
package org.tilekv.engine;

import org.tilekv.TileGeometry;
import org.tilekv.attention.KvMemory;
import org.tilekv.attention.Segments;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.StepBatch;

/**
 * A decoder over real tiles. K and V of a position are made from all tokens up to it; logits are
 * made from every element of K and V of the whole history, so that one wrong bit changes them all.
 */
final class ArenaDecoder implements Decoder {

  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private final KvMemory memory;
  private final TileGeometry geometry;

  ArenaDecoder(KvMemory memory) {
    this.memory = memory;
    geometry = memory.arena().geometry();
  }

  @Override
  public int vocabSize() {
    return FakeDecoder.VOCAB;
  }

  @Override
  public int maxPositions() {
    return 4096;
  }

  @Override
  public void step(StepBatch batch, float[] logits) {
    Segments segments = batch.segments();
    int wanted = 0;
    for (int s = 0; s < segments.size(); s++) {
      long path = read(segments.row(s), segments.start(s));
      for (int i = 0; i < segments.count(s); i++) {
        int token = batch.tokens()[segments.offset(s) + i];
        int position = segments.start(s) + i;
        write(segments.row(s), position, mix(path + token));
        path = readPosition(segments.row(s), position, path);
      }
      if (batch.want(s) != StepBatch.Want.NOTHING) {
        float[] row = FakeDecoder.hashedLogits(new int[] {(int) path, (int) (path >>> 32)});
        System.arraycopy(row, 0, logits, wanted++ * FakeDecoder.VOCAB, FakeDecoder.VOCAB);
      }
    }
  }

  private static long mix(long value) {
    long product = value * MULTIPLIER;
    return product ^ product >>> 29;
  }

  /** Hash of all elements of the positions before {@code end}. */
  private long read(int row, int end) {
    long path = 1;
    for (int position = 0; position < end; position++) {
      path = readPosition(row, position, path);
    }
    return path;
  }

  private long readPosition(int row, int position, long path) {
    long hash = path;
    for (int head = 0; head < geometry.kvHeads(); head++) {
      float[] floats = floats(row, head, position);
      int base = base(row, head, position);
      for (int i = 0; i < geometry.headDim(); i++) {
        hash = mix(hash + Float.floatToRawIntBits(floats[base + key(position) + i]));
        hash = mix(hash + Float.floatToRawIntBits(floats[base + value(position) + i]));
      }
    }
    return hash;
  }

  private void write(int row, int position, long path) {
    for (int head = 0; head < geometry.kvHeads(); head++) {
      float[] floats = floats(row, head, position);
      int base = base(row, head, position);
      for (int i = 0; i < geometry.headDim(); i++) {
        floats[base + key(position) + i] = (int) (mix(path + head + 31L * i) >>> 40);
        floats[base + value(position) + i] = (int) (mix(path - head - 31L * i) >>> 40);
      }
    }
  }

  private float[] floats(int row, int head, int position) {
    return memory.arena().floats(page(row, head, position));
  }

  private int base(int row, int head, int position) {
    return memory.arena().base(page(row, head, position));
  }

  private int page(int row, int head, int position) {
    return memory.table().lookup(row, head, geometry.tileOf(position));
  }

  private int key(int position) {
    return geometry.keyOffset(0, geometry.slotOf(position));
  }

  private int value(int position) {
    return geometry.valueOffset(0, geometry.slotOf(position));
  }

  @Override
  public void close() {}
}
