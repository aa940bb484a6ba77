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
  private final Decoder decoder;
  private final AutoCloseable owner;
  private final StepBatch batch = new StepBatch();

  private GoldenRun(TileCache cache, Decoder decoder, AutoCloseable owner) {
    this.cache = cache;
    this.decoder = decoder;
    this.owner = owner;
  }

  static GoldenRun onCpu(
      GoldenCheckpoint golden, int tileTokens, MatMulKind matMul, ComputePool pool) {
    ModelConfig config = HfConfigReader.read(golden.directory());
    TileGeometry geometry = geometry(config, tileTokens, KvDtype.FLOAT32);
    TileCache cache = TileCache.create(options(golden, geometry, pages(geometry)));
    try (Checkpoint checkpoint = Checkpoint.open(golden.directory())) {
      Decoder decoder = CpuDecoder.load(checkpoint, config, cache.kvMemory(), pool, matMul);
      return new GoldenRun(cache, decoder, cache);
    }
  }

  /** One member's part; all members have to be driven alike. */
  static GoldenRun ofPart(
      GoldenCheckpoint golden, int tileTokens, int rank, int shards, AllReduce members) {
    HeadSlice slice = new HeadSlice(HfConfigReader.read(golden.directory()), rank, shards);
    TileGeometry geometry = geometry(slice.config(), tileTokens, KvDtype.FLOAT32);
    TileCache cache = TileCache.create(options(golden, geometry, pages(geometry)));
    try (Checkpoint checkpoint = Checkpoint.open(golden.directory())) {
      Decoder decoder =
          CpuDecoder.loadPart(
              checkpoint,
              slice,
              cache.kvMemory(),
              ComputePool.sameThread(),
              MatMulKind.VECTOR,
              members);
      return new GoldenRun(cache, decoder, cache);
    }
  }

  static GoldenRun onDevice(GoldenCheckpoint golden, int tileTokens, KvDtype dtype) {
    ModelConfig config = HfConfigReader.read(golden.directory());
    TileGeometry geometry = geometry(config, tileTokens, dtype);
    long poolBytes = (long) pages(geometry) * geometry.tileBytes();
    CudaModel.Budget budget = new CudaModel.Budget(0, poolBytes, 0, MAX_TOKENS, ROWS);
    try (Checkpoint checkpoint = Checkpoint.open(golden.directory())) {
      CudaModel model =
          CudaModel.open(
              checkpoint, config, geometry, budget, pages -> options(golden, geometry, pages));
      return new GoldenRun(model.cache(), model.decoder(), model);
    }
  }

  private static TileGeometry geometry(ModelConfig config, int tileTokens, KvDtype dtype) {
    return new TileGeometry(config.layers(), config.kvHeads(), config.headDim(), tileTokens, dtype);
  }

  private static int pages(TileGeometry geometry) {
    return 6 * geometry.tilesFor(MAX_TOKENS) * geometry.kvHeads();
  }

  private static TileCacheOptions options(
      GoldenCheckpoint golden, TileGeometry geometry, int pages) {
    return new TileCacheOptions(
        geometry,
        pages,
        ROWS,
        geometry.tilesFor(MAX_TOKENS),
        Namespace.builder().field("model", golden.toString()).build(),
        LEASE_MS,
        true,
        () -> 0);
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

  /** As {@link #greedy}, with the tokens that the decoder chooses itself. */
  int[] chosen(int[] prompt, int count) {
    TokenDecoder chooser = (TokenDecoder) decoder;
    int[] tokens = new int[count];
    int[] choice = new int[1];
    try (KvSequence sequence = open(prompt)) {
      for (int i = 0; i < count; i++) {
        int start = sequence.length();
        int[] fed = i == 0 ? prompt : tokens;
        int from = i == 0 ? start : i - 1;
        int length = i == 0 ? prompt.length - start : 1;
        assertThat(sequence.reserve(start + length)).isTrue();
        batch.clear();
        batch.add(sequence.row(0), start, fed, from, length, Want.TOKEN);
        chooser.start(batch);
        chooser.finish(new float[0], choice);
        sequence.commit(0, fed, from, length);
        tokens[i] = choice[0];
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

  static int highest(float[] logits) {
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
    try {
      owner.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
