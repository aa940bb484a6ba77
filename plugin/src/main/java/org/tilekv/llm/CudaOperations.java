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

import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.attention.CudaKvMemory;
import org.tilekv.attention.CudaPagedAttention;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;

/**
 * Launches the kernels between the matrix products of a step; see {@code src/main/cuda/README.md}.
 * All arguments that end in no unit are addresses, 0 where there is nothing. Used by one thread.
 */
final class CudaOperations {

  private static final String MODULE = "decoder_ops";
  private static final int VECTOR = 8;
  private static final int WARP = 32;
  private static final int BLOCK = 256;
  private static final int MAX_BLOCK = 1024;
  private static final int SAMPLE_BLOCK = 512;

  private final ModelConfig config;
  private final CudaKvMemory memory;
  private final CudaStream stream;
  private final CudaFunction embed;
  private final CudaFunction norm;
  private final CudaFunction ropeAppend;
  private final CudaFunction swiglu;
  private final CudaFunction argmax;
  private final CudaFunction sample;
  private final KernelArguments arguments = new KernelArguments(20);

  CudaOperations(
      ModelConfig config, CudaKvMemory memory, CudaStream stream, KernelModules kernels) {
    this.config = config;
    this.memory = memory;
    this.stream = stream;
    KvDtype dtype = memory.geometry().dtype();
    String suffix = CudaPagedAttention.suffix(dtype);
    embed = kernels.function(MODULE, "tilekv_embed_" + suffix);
    norm = kernels.function(MODULE, "tilekv_norm_" + suffix);
    ropeAppend = kernels.function(MODULE, "tilekv_rope_append_" + suffix);
    swiglu = kernels.function(MODULE, "tilekv_swiglu_" + suffix);
    argmax = kernels.function(MODULE, "tilekv_argmax_f32");
    sample = kernels.function(MODULE, "tilekv_sample_f32");
  }

  /** Rows of the embedding by token id. */
  void embed(long table, long tokens, long out, int count) {
    arguments.begin().address(table).address(tokens).address(out);
    arguments.integer(config.vocabSize()).integer(config.hiddenSize());
    embed.launch(stream, count, 1, 1, BLOCK, 0, arguments);
  }

  /** Adds {@code add + bias} to the stream, and norms the {@code rows} of it, all where 0. */
  void addAndNorm(long residual, long add, long bias, long weight, long out, long rows, int count) {
    int hidden = config.hiddenSize();
    int block = Math.min(MAX_BLOCK, (hidden / VECTOR + WARP - 1) / WARP * WARP);
    arguments.begin().address(residual).address(add).address(bias).address(weight).address(out);
    arguments.address(rows).integer(hidden).number(config.rmsNormEps());
    norm.launch(stream, count, 1, 1, block, 0, arguments);
  }

  /** Biases, norms and rotates q and k; q goes to {@code queries}, k and v into their tiles. */
  void ropeAppend(
      CudaWeights.Layer weights,
      long rope,
      long qkv,
      long queries,
      CudaStepInputs inputs,
      int layer,
      int count) {
    TileGeometry geometry = memory.geometry();
    int dim = config.headDim();
    int heads = config.queryHeads() + 2 * config.kvHeads();
    arguments
        .begin()
        .address(qkv)
        .address(queries)
        .address(weights.qkvBias())
        .address(weights.queryNorm())
        .address(weights.keyNorm())
        .number(config.rmsNormEps())
        .address(rope)
        .address(inputs.rows())
        .address(inputs.positions())
        .address(memory.tiles().address())
        .address(memory.table().address())
        .integer(count)
        .integer(config.queryHeads())
        .integer(config.kvHeads())
        .integer(dim)
        .integer(memory.table().maxTiles())
        .integer(Integer.numberOfTrailingZeros(geometry.tileTokens()))
        .integer(geometry.tileElements())
        .integer(layer)
        .integer(heads * dim);
    int lanes = Integer.highestOneBit(Math.max(1, 2 * (dim / 16) - 1));
    ropeAppend.launch(stream, blocks((long) count * heads * lanes), 1, 1, BLOCK, 0, arguments);
  }

  /** The gated activation. */
  void swiglu(long gateUp, long bias, long out, int count) {
    int n = config.intermediateSize();
    arguments.begin().address(gateUp).address(bias).address(out).integer(count).integer(n);
    swiglu.launch(stream, blocks((long) count * n / VECTOR), 1, 1, BLOCK, 0, arguments);
  }

  /** Index of the largest of each row of float32 logits. */
  void argmax(long logits, long chosen, int rows) {
    int vocab = config.vocabSize();
    arguments.begin().address(logits).address(chosen).integer(vocab).integer(vocab);
    argmax.launch(stream, rows, 1, 1, MAX_BLOCK, 0, arguments);
  }

  /** Draws the tokens of those rows that are sampled, where {@link #argmax} has been. */
  void sample(long logits, long sampling, long chosen, int rows) {
    int vocab = config.vocabSize();
    arguments.begin().address(logits).address(sampling).address(chosen);
    arguments.integer(vocab).integer(vocab);
    sample.launch(stream, rows, 1, 1, SAMPLE_BLOCK, 0, arguments);
  }

  private static int blocks(long threads) {
    return Math.toIntExact((threads + BLOCK - 1) / BLOCK);
  }
}
