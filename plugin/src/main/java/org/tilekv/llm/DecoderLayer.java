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

import org.jspecify.annotations.Nullable;
import org.tilekv.ComputePool;
import org.tilekv.attention.PagedAttention;
import org.tilekv.attention.Segments;

/**
 * One transformer layer: attention and gated MLP, each normed before and added to the stream after.
 */
final class DecoderLayer {

  private final ModelConfig config;
  private final int index;
  private final RmsNorm attentionNorm;
  private final Linear qkv;
  private final @Nullable RmsNorm queryNorm;
  private final @Nullable RmsNorm keyNorm;
  private final Linear output;
  private final RmsNorm mlpNorm;
  private final Linear gateUp;
  private final Linear down;

  DecoderLayer(ModelConfig config, int index, LayerLoader layer) {
    this.config = config;
    this.index = index;
    int hidden = config.hiddenSize();
    int queries = config.queryHeads() * config.headDim();
    float eps = config.rmsNormEps();
    attentionNorm = new RmsNorm(layer.vector("input_layernorm.weight", hidden), eps);
    qkv =
        Linear.load(
            layer,
            hidden,
            config.qkvBias(),
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj");
    requireOutputs(qkv, queries + 2 * config.kvHeads() * config.headDim(), "q, k and v");
    queryNorm = headNorm(layer, "self_attn.q_norm.weight");
    keyNorm = headNorm(layer, "self_attn.k_norm.weight");
    boolean bias = layer.addsBiasOfSums();
    output = Linear.load(layer, queries, config.outputBias() && bias, "self_attn.o_proj");
    mlpNorm = new RmsNorm(layer.vector("post_attention_layernorm.weight", hidden), eps);
    gateUp = Linear.load(layer, hidden, config.mlpBias(), "mlp.gate_proj", "mlp.up_proj");
    requireOutputs(gateUp, 2 * config.intermediateSize(), "gate and up");
    down = Linear.load(layer, config.intermediateSize(), config.mlpBias() && bias, "mlp.down_proj");
  }

  private @Nullable RmsNorm headNorm(LayerLoader layer, String name) {
    return config.qkNorm()
        ? new RmsNorm(layer.vector(name, config.headDim()), config.rmsNormEps())
        : null;
  }

  private void requireOutputs(Linear linear, int expected, String what) {
    if (linear.outputs() != expected) {
      throw new InvalidModelException(
          "layer "
              + index
              + " has "
              + linear.outputs()
              + " outputs of "
              + what
              + "; config.json asks for "
              + expected);
    }
  }

  void run(
      Segments segments,
      RopeTable rope,
      PagedAttention attention,
      StepBuffers b,
      AllReduce members,
      ComputePool pool) {
    int tokens = segments.tokens();
    int hidden = config.hiddenSize();
    int queries = config.queryHeads() * config.headDim();
    int keys = config.kvHeads() * config.headDim();
    grow(b, tokens);
    norm(attentionNorm, b, tokens, pool);
    qkv.apply(b.normed, hidden, tokens, b.qkv, pool);
    pool.forEach(tokens, (token, worker) -> rotate(token, b.positions[token], rope, b.qkv));
    attention.append(index, segments, b.qkv, queries, b.qkv, queries + keys, qkv.stride(), pool);
    attention.attend(
        index, config.windows()[index], segments, b.qkv, 0, qkv.stride(), b.attended, pool);
    output.apply(b.attended, queries, tokens, b.projected, pool);
    addToStream(sum(output, b, tokens, members), b, tokens, pool);
    norm(mlpNorm, b, tokens, pool);
    gateUp.apply(b.normed, hidden, tokens, b.gateUp, pool);
    activate(b, tokens, pool);
    down.apply(b.activated, config.intermediateSize(), tokens, b.projected, pool);
    addToStream(sum(down, b, tokens, members), b, tokens, pool);
  }

  private void grow(StepBuffers b, int tokens) {
    b.qkv = StepBuffers.grown(b.qkv, tokens * qkv.stride());
    b.attended = StepBuffers.grown(b.attended, tokens * config.queryHeads() * config.headDim());
    b.gateUp = StepBuffers.grown(b.gateUp, tokens * gateUp.stride());
    b.activated = StepBuffers.grown(b.activated, tokens * config.intermediateSize());
    b.projected = StepBuffers.grown(b.projected, tokens * Math.max(output.stride(), down.stride()));
  }

  private void norm(RmsNorm norm, StepBuffers b, int tokens, ComputePool pool) {
    int hidden = config.hiddenSize();
    pool.forEach(
        tokens, (token, worker) -> norm.apply(b.stream, token * hidden, b.normed, token * hidden));
  }

  private void rotate(int token, int position, RopeTable rope, float[] x) {
    int heads = config.queryHeads() + config.kvHeads();
    for (int head = 0; head < heads; head++) {
      int at = token * qkv.stride() + head * config.headDim();
      RmsNorm norm = head < config.queryHeads() ? queryNorm : keyNorm;
      if (norm != null) {
        norm.apply(x, at, x, at);
      }
      rope.rotate(x, at, position);
    }
  }

  private void activate(StepBuffers b, int tokens, ComputePool pool) {
    int n = config.intermediateSize();
    pool.forEach(
        tokens,
        (token, worker) ->
            Swiglu.apply(b.gateUp, token * gateUp.stride(), n, b.activated, token * n));
  }

  /** Sums what all members projected; returns the elements from row to row of the sum. */
  private int sum(Linear linear, StepBuffers b, int tokens, AllReduce members) {
    int stride = linear.stride();
    if (members == AllReduce.ALONE) {
      return stride;
    }
    int hidden = config.hiddenSize();
    for (int token = 1; token < tokens && stride != hidden; token++) {
      System.arraycopy(b.projected, token * stride, b.projected, token * hidden, hidden);
    }
    members.sum(b.projected, 0, tokens * hidden);
    return hidden;
  }

  private void addToStream(int stride, StepBuffers b, int tokens, ComputePool pool) {
    int hidden = config.hiddenSize();
    pool.forEach(
        tokens,
        (token, worker) -> {
          int from = token * stride;
          int to = token * hidden;
          for (int i = 0; i < hidden; i++) {
            b.stream[to + i] += b.projected[from + i];
          }
        });
  }
}
