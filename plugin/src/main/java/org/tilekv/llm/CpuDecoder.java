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

import org.tilekv.ComputePool;
import org.tilekv.attention.CpuPagedAttention;
import org.tilekv.attention.KvMemory;
import org.tilekv.attention.PagedAttention;
import org.tilekv.attention.Segments;

/**
 * Forward pass of the Llama family on the CPU: float32 activations, weights as they are in the
 * checkpoint.
 *
 * <p>A token's K, V and logits depend on its row's tokens alone, bit for bit: not on the batch, the
 * chunk it came in or the number of threads. Used by one thread at a time, which lends itself to
 * {@code pool}.
 */
public final class CpuDecoder implements Decoder {

  private final ModelConfig config;
  private final ComputePool pool;
  private final PagedAttention attention;
  private final Linear embedding;
  private final Linear head;
  private final RmsNorm finalNorm;
  private final DecoderLayer[] layers;
  private final RopeTable rope;
  private final AllReduce members;
  private final StepBuffers buffers = new StepBuffers();

  private CpuDecoder(ModelConfig config, LayerLoader model, KvMemory memory, AllReduce members) {
    this.config = config;
    this.members = members;
    this.pool = model.pool();
    this.attention =
        CpuPagedAttention.create(
            memory, config.queryHeads(), (float) (1 / Math.sqrt(config.headDim())));
    int hidden = config.hiddenSize();
    embedding = Linear.load(model, hidden, false, "model.embed_tokens");
    boolean ownHead = !config.tiedEmbeddings() && model.addsBiasOfSums();
    head = ownHead ? Linear.load(model, hidden, false, "lm_head") : embedding;
    requireVocabulary(embedding, "model.embed_tokens.weight");
    requireVocabulary(head, "lm_head.weight");
    finalNorm = new RmsNorm(model.vector("model.norm.weight", hidden), config.rmsNormEps());
    layers = new DecoderLayer[config.layers()];
    for (int i = 0; i < layers.length; i++) {
      layers[i] = new DecoderLayer(config, i, model.at("model.layers." + i + "."));
    }
    rope = new RopeTable(config);
  }

  /**
   * Packs a checkpoint's weights for the CPU; the checkpoint may be closed afterwards.
   *
   * @param memory where K and V are; its geometry must be the model's
   * @param pool threads of a step; not closed by the decoder
   * @throws InvalidModelException where a tensor is missing or has another shape than the
   *     configuration says
   */
  public static CpuDecoder load(
      Checkpoint checkpoint,
      ModelConfig config,
      KvMemory memory,
      ComputePool pool,
      MatMulKind matMul) {
    LayerLoader model = new LayerLoader(checkpoint, "", matMul, pool, null);
    return new CpuDecoder(config, model, memory, AllReduce.ALONE);
  }

  /**
   * As {@link #load}, of one member of a cell: its heads and its slice of the MLP alone. All
   * members run the same steps; member 0 alone gives logits.
   *
   * @param memory where K and V of the member's heads are
   * @param members the other members
   */
  public static CpuDecoder loadPart(
      Checkpoint checkpoint,
      HeadSlice slice,
      KvMemory memory,
      ComputePool pool,
      MatMulKind matMul,
      AllReduce members) {
    LayerLoader model = new LayerLoader(checkpoint, "", matMul, pool, slice);
    return new CpuDecoder(slice.config(), model, memory, members);
  }

  private void requireVocabulary(Linear linear, String name) {
    if (linear.outputs() != config.vocabSize()) {
      throw new InvalidModelException(
          name
              + " has "
              + linear.outputs()
              + " rows; config.json says vocab_size "
              + config.vocabSize());
    }
  }

  @Override
  public int vocabSize() {
    return config.vocabSize();
  }

  @Override
  public int maxPositions() {
    return config.maxPositions();
  }

  @Override
  public void step(StepBatch batch, float[] logits) {
    Segments segments = batch.segments();
    if (segments.tokens() == 0) {
      return;
    }
    embed(batch);
    rope.prepare(1 + locate(segments));
    for (DecoderLayer layer : layers) {
      layer.run(segments, rope, attention, buffers, members, pool);
    }
    project(batch, logits);
  }

  private void embed(StepBatch batch) {
    int tokens = batch.segments().tokens();
    int hidden = config.hiddenSize();
    buffers.stream = StepBuffers.grown(buffers.stream, tokens * hidden);
    buffers.normed = StepBuffers.grown(buffers.normed, tokens * hidden);
    int[] ids = batch.tokens();
    for (int i = 0; i < tokens; i++) {
      if (ids[i] < 0 || ids[i] >= config.vocabSize()) {
        throw new IllegalArgumentException(
            "token id is " + ids[i] + "; allowed are 0 to " + (config.vocabSize() - 1));
      }
    }
    pool.forEach(
        tokens,
        (token, worker) ->
            embedding.weights().readOutput(ids[token], buffers.stream, token * hidden));
  }

  /** Notes the position of every token; returns the last one. */
  private int locate(Segments segments) {
    if (buffers.positions.length < segments.tokens()) {
      buffers.positions = new int[2 * segments.tokens()];
    }
    int last = 0;
    for (int s = 0; s < segments.size(); s++) {
      int start = segments.start(s);
      for (int i = 0; i < segments.count(s); i++) {
        buffers.positions[segments.offset(s) + i] = start + i;
      }
      last = Math.max(last, start + segments.count(s) - 1);
    }
    return last;
  }

  private void project(StepBatch batch, float[] logits) {
    int rows = normRowsThatWantLogits(batch);
    if (rows == 0) {
      return;
    }
    int vocab = config.vocabSize();
    int stride = head.stride();
    if (stride == vocab) {
      head.apply(buffers.normed, config.hiddenSize(), rows, logits, pool);
      return;
    }
    buffers.logits = StepBuffers.grown(buffers.logits, rows * stride);
    head.apply(buffers.normed, config.hiddenSize(), rows, buffers.logits, pool);
    pool.forEach(
        rows,
        (row, worker) ->
            System.arraycopy(buffers.logits, row * stride, logits, row * vocab, vocab));
  }

  private int normRowsThatWantLogits(StepBatch batch) {
    Segments segments = batch.segments();
    int hidden = config.hiddenSize();
    int rows = 0;
    for (int s = 0; s < segments.size(); s++) {
      if (batch.want(s) == StepBatch.Want.LOGITS) {
        int token = segments.offset(s) + segments.count(s) - 1;
        finalNorm.apply(buffers.stream, token * hidden, buffers.normed, rows++ * hidden);
      }
    }
    return rows;
  }

  @Override
  public void close() {}
}
