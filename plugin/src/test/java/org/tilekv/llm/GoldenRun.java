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
package org.tilekv.llm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.llm.StepBatch.Want;
import org.tilekv.prefix.Namespace;

/** A decoder over a tile cache, driven by hand. */
final class GoldenRun implements AutoCloseable {

  private static final int MAX_TOKENS = 1024;
  private static final int ROWS = 32;
  private static final int LEASE_MS = 1_000_000;

  private final TileCache cache;
  private final CpuDecoder decoder;
  private final StepBatch batch = new StepBatch();

  GoldenRun(GoldenCheckpoint golden, int tileTokens, MatMulKind matMul, ComputePool pool) {
    ModelConfig config = HfConfigReader.read(golden.directory());
    TileGeometry geometry =
        new TileGeometry(
            config.layers(), config.kvHeads(), config.headDim(), tileTokens, KvDtype.FLOAT32);
    int tiles = MAX_TOKENS / tileTokens;
    cache =
        TileCache.create(
            new TileCacheOptions(
                geometry,
                6 * tiles * config.kvHeads(),
                ROWS,
                tiles,
                Namespace.builder().field("model", golden.toString()).build(),
                LEASE_MS,
                true,
                () -> 0));
    try (Checkpoint checkpoint = Checkpoint.open(golden.directory())) {
      decoder = CpuDecoder.load(checkpoint, config, cache.kvMemory(), pool, matMul);
    }
  }

  /** Logits of every step: of the prompt's last token, then of each token fed after it. */
  float[][] logits(int[] prompt, int[] fed, int chunk) {
    float[][] all = new float[fed.length + 1][decoder.vocabSize()];
    try (KvSequence sequence = open(prompt)) {
      while (sequence.length() < prompt.length) {
        int count = Math.min(chunk, prompt.length - sequence.length());
        advance(sequence, prompt, sequence.length(), count, all[0]);
      }
      for (int i = 0; i < fed.length; i++) {
        advance(sequence, fed, i, 1, all[i + 1]);
      }
      cache.checkIntegrity();
    }
    return all;
  }

  /** Tokens with the highest logits, until there are {@code count}. */
  int[] greedy(int[] prompt, int count) {
    int[] tokens = new int[count];
    float[] logits = new float[decoder.vocabSize()];
    try (KvSequence sequence = open(prompt)) {
      int start = sequence.length();
      advance(sequence, prompt, start, prompt.length - start, logits);
      tokens[0] = highest(logits);
      for (int i = 1; i < count; i++) {
        advance(sequence, tokens, i - 1, 1, logits);
        tokens[i] = highest(logits);
      }
    }
    return tokens;
  }

  /** Logits of the last token of every prompt, all computed in one step. */
  float[][] together(int[][] prompts) {
    KvSequence[] sequences = new KvSequence[prompts.length];
    batch.clear();
    for (int i = 0; i < prompts.length; i++) {
      sequences[i] = open(prompts[i]);
      int start = sequences[i].length();
      assertThat(sequences[i].reserve(prompts[i].length)).isTrue();
      batch.add(
          sequences[i].row(0), start, prompts[i], start, prompts[i].length - start, Want.LOGITS);
    }
    int vocab = decoder.vocabSize();
    float[] logits = new float[prompts.length * vocab];
    decoder.step(batch, logits);
    float[][] rows = new float[prompts.length][];
    for (int i = 0; i < prompts.length; i++) {
      rows[i] = Arrays.copyOfRange(logits, i * vocab, (i + 1) * vocab);
      sequences[i].close();
    }
    return rows;
  }

  /** Tokens of a prompt that a new sequence would find in the cache. */
  int cachedTokens(int[] prompt) {
    try (KvSequence sequence = open(prompt)) {
      return sequence.cachedTokens();
    }
  }

  /** Forgets all tiles. */
  void clear() {
    cache.clear();
  }

  private KvSequence open(int[] prompt) {
    KvSequence sequence = cache.open(new SequenceRequest(prompt, 1, null, true));
    assertThat(sequence).isNotNull();
    return sequence;
  }

  private void advance(KvSequence sequence, int[] tokens, int from, int count, float[] logits) {
    int start = sequence.length();
    assertThat(sequence.reserve(start + count)).isTrue();
    batch.clear();
    batch.add(sequence.row(0), start, tokens, from, count, Want.LOGITS);
    decoder.step(batch, logits);
    sequence.commit(0, tokens, from, count);
  }

  private static int highest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  @Override
  public void close() {
    decoder.close();
    cache.close();
  }
}
