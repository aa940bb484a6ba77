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

import java.util.List;
import org.tilekv.KvDtype;
import org.tilekv.attention.CudaPagedAttention;
import org.tilekv.attention.DecodePlan;
import org.tilekv.cuda.Cublas;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.GemmShape;
import org.tilekv.cuda.GemmType;

/**
 * The kernels of one step, in order: what a stream runs at once and what a graph captures. Used by
 * one thread.
 */
final class CudaForward {

  private final ModelConfig config;
  private final KvDtype dtype;
  private final CudaWeights weights;
  private final CudaActivations activations;
  private final CudaOperations operations;
  private final CudaPagedAttention attention;
  private final Cublas cublas;
  private final CudaStream stream;

  CudaForward(
      ModelConfig config,
      KvDtype dtype,
      CudaWeights weights,
      CudaActivations activations,
      CudaOperations operations,
      CudaPagedAttention attention,
      Cublas cublas,
      CudaStream stream) {
    this.config = config;
    this.dtype = dtype;
    this.weights = weights;
    this.activations = activations;
    this.operations = operations;
    this.attention = attention;
    this.cublas = cublas;
    this.stream = stream;
  }

  /** Runs all layers over {@code tokens} tokens, and the head over {@code outputs} of them. */
  void run(CudaStepInputs inputs, int tokens, int outputs) {
    CudaActivations a = activations;
    operations.embed(weights.embedding(), inputs.tokens(), a.stream, tokens);
    long add = 0;
    long bias = 0;
    List<CudaWeights.Layer> layers = weights.layers();
    for (int i = 0; i < layers.size(); i++) {
      CudaWeights.Layer layer = layers.get(i);
      operations.addAndNorm(a.stream, add, bias, layer.attentionNorm(), a.normed, 0, tokens);
      attention(layer, i, inputs, tokens);
      long outputBias = layer.outputBias();
      operations.addAndNorm(
          a.stream, a.projected, outputBias, layer.mlpNorm(), a.normed, 0, tokens);
      mlp(layer, tokens);
      add = a.projected;
      bias = layer.downBias();
    }
    if (outputs > 0) {
      head(inputs, bias, outputs);
    }
  }

  private void attention(CudaWeights.Layer layer, int index, CudaStepInputs inputs, int tokens) {
    CudaActivations a = activations;
    int queries = config.queryHeads() * config.headDim();
    int width = queries + 2 * config.kvHeads() * config.headDim();
    toFloat32(a.normed, layer.qkv(), a.qkv, tokens, width, config.hiddenSize());
    operations.ropeAppend(layer, weights.rope(), a.qkv, a.queries, inputs, index, tokens);
    attend(inputs, index, queries);
    toFloat32(a.attended, layer.output(), a.projected, tokens, config.hiddenSize(), queries);
  }

  /** Decode rows come first among the tokens, and have kernels of their own. */
  private void attend(CudaStepInputs inputs, int index, int width) {
    CudaActivations a = activations;
    int window = config.windows()[index];
    if (inputs.decodeRows() > 0) {
      DecodePlan plan = inputs.plan(window);
      attention.decode(stream, index, a.queries, width, a.attended, plan, inputs.address());
    }
    if (inputs.itemCount() > 0) {
      attention.attend(
          stream, index, window, a.queries, width, a.attended, inputs.items(), inputs.itemCount());
    }
  }

  private void mlp(CudaWeights.Layer layer, int tokens) {
    CudaActivations a = activations;
    int n = config.intermediateSize();
    product(a.normed, layer.gateUp(), a.gateUp, tokens, 2 * n, config.hiddenSize());
    operations.swiglu(a.gateUp, layer.gateUpBias(), a.activated, tokens);
    toFloat32(a.activated, layer.down(), a.projected, tokens, config.hiddenSize(), n);
  }

  private void head(CudaStepInputs inputs, long bias, int outputs) {
    CudaActivations a = activations;
    operations.addAndNorm(
        a.stream, a.projected, bias, weights.finalNorm(), a.last, inputs.outputTokens(), outputs);
    GemmShape shape =
        GemmShape.of(
            outputs, config.vocabSize(), config.hiddenSize(), type(dtype), GemmType.FLOAT32);
    cublas.gemm(shape, 1, a.last, weights.head(), 0, a.logits);
    operations.argmax(a.logits, a.chosen, outputs);
    if (inputs.draws()) {
      operations.sample(a.logits, inputs.sampling(), a.chosen, outputs);
    }
  }

  private void product(long x, long matrix, long y, int rows, int outputs, int inputs) {
    GemmShape shape = GemmShape.of(rows, outputs, inputs, type(dtype), type(dtype));
    cublas.gemm(shape, 1, x, matrix, 0, y);
  }

  /** A product for the residual stream, which is float32, or for what is rounded later. */
  private void toFloat32(long x, long matrix, long y, int rows, int outputs, int inputs) {
    GemmShape shape = GemmShape.of(rows, outputs, inputs, type(dtype), GemmType.FLOAT32);
    cublas.gemm(shape, 1, x, matrix, 0, y);
  }

  private static GemmType type(KvDtype dtype) {
    return switch (dtype) {
      case FLOAT32 -> GemmType.FLOAT32;
      case FLOAT16 -> GemmType.FLOAT16;
      case BFLOAT16 -> GemmType.BFLOAT16;
      case INT8 -> throw new IllegalArgumentException("matrices cannot be INT8");
    };
  }
}
