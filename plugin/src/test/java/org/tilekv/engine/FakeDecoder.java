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

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.tilekv.attention.Segments;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.StepBatch;

/**
 * A decoder whose logits are a pure function of the token history, which it reads back through the
 * page table of a {@link FakeKvCache}; it notes the shape of every step.
 */
class FakeDecoder implements Decoder {
  static final int VOCAB = 64;

  final List<List<Integer>> segmentSizes = new ArrayList<>();
  Runnable beforeStep = () -> {};

  private final FakeKvCache cache;
  private final int vocab;
  private final int maxPositions;
  private final Function<int[], float[]> model;

  FakeDecoder(FakeKvCache cache, int vocab, int maxPositions, Function<int[], float[]> model) {
    this.cache = cache;
    this.vocab = vocab;
    this.maxPositions = maxPositions;
    this.model = model;
  }

  FakeDecoder(FakeKvCache cache) {
    this(cache, VOCAB, 4096, FakeDecoder::hashedLogits);
  }

  /** Logits from a hash of the whole history: any wrong token of it changes all of them. */
  static float[] hashedLogits(int[] history) {
    long hash = 17;
    for (int token : history) {
      hash = (hash ^ token) * 0x9E3779B97F4A7C15L;
      hash ^= hash >>> 29;
    }
    float[] logits = new float[VOCAB];
    for (int i = 0; i < VOCAB; i++) {
      hash = hash * 0xD1342543DE82EF95L + 1;
      logits[i] = (hash >>> 40) * 0x1p-22f;
    }
    return logits;
  }

  @Override
  public int vocabSize() {
    return vocab;
  }

  @Override
  public int maxPositions() {
    return maxPositions;
  }

  @Override
  public void step(StepBatch batch, float[] logits) {
    int row = 0;
    for (float[] result : compute(batch)) {
      System.arraycopy(result, 0, logits, row++ * vocab, vocab);
    }
  }

  /** Writes the step's tokens; returns the logits of each segment that wants anything. */
  final List<float[]> compute(StepBatch batch) {
    beforeStep.run();
    Segments segments = batch.segments();
    List<Integer> sizes = new ArrayList<>();
    List<float[]> wanted = new ArrayList<>();
    for (int s = 0; s < segments.size(); s++) {
      sizes.add(segments.count(s));
      for (int i = 0; i < segments.count(s); i++) {
        int token = batch.tokens()[segments.offset(s) + i];
        cache.write(segments.row(s), segments.start(s) + i, token);
      }
      if (batch.want(s) != StepBatch.Want.NOTHING) {
        int[] history = cache.history(segments.row(s), segments.start(s) + segments.count(s));
        wanted.add(model.apply(history));
      }
    }
    segmentSizes.add(sizes);
    return wanted;
  }

  @Override
  public void close() {}
}
