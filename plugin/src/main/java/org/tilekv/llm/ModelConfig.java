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

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What {@code config.json} and {@code generation_config.json} of a Hugging Face directory say, in
 * one form for all supported families.
 *
 * @param family architecture family
 * @param vocabSize rows of the embedding
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the MLP
 * @param layers transformer layers
 * @param queryHeads query heads
 * @param kvHeads KV heads, a divisor of {@code queryHeads}
 * @param headDim elements of a head
 * @param maxPositions {@code max_position_embeddings}
 * @param rmsNormEps epsilon of the RMS norms
 * @param rope rotary embedding
 * @param tiedEmbeddings whether the output head is the embedding
 * @param qkvBias whether q, k and v projections have biases
 * @param outputBias whether the attention's output projection has a bias
 * @param mlpBias whether the MLP's projections have biases
 * @param qkNorm whether q and k are RMS-normed per head before RoPE
 * @param windows sliding window in positions per layer, 0 for full attention
 * @param bosToken token id put first, or null
 * @param eosTokens token ids that end an answer
 */
public record ModelConfig(
    Family family,
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int queryHeads,
    int kvHeads,
    int headDim,
    int maxPositions,
    float rmsNormEps,
    Rope rope,
    boolean tiedEmbeddings,
    boolean qkvBias,
    boolean outputBias,
    boolean mlpBias,
    boolean qkNorm,
    int[] windows,
    @Nullable Integer bosToken,
    Set<Integer> eosTokens) {

  /** The same model with other numbers of heads and another width of the MLP. */
  ModelConfig withWidths(int newQueryHeads, int newKvHeads, int newIntermediateSize) {
    return new ModelConfig(
        family,
        vocabSize,
        hiddenSize,
        newIntermediateSize,
        layers,
        newQueryHeads,
        newKvHeads,
        headDim,
        maxPositions,
        rmsNormEps,
        rope,
        tiedEmbeddings,
        qkvBias,
        outputBias,
        mlpBias,
        qkNorm,
        windows,
        bosToken,
        eosTokens);
  }

  /** Supported families. */
  public enum Family {
    LLAMA,
    MISTRAL,
    QWEN2,
    QWEN3
  }

  /**
   * Rotary position embedding.
   *
   * @param theta base
   * @param scaling Llama-3 or linear scaling, or null for none
   */
  public record Rope(double theta, @Nullable RopeScaling scaling) {}

  /**
   * Scaling of rotary frequencies.
   *
   * @param type {@code llama3} or {@code linear}
   * @param factor how far the context was stretched
   * @param lowFreqFactor llama3 only
   * @param highFreqFactor llama3 only
   * @param originalMaxPositions llama3 only: context before stretching
   */
  public record RopeScaling(
      String type,
      double factor,
      double lowFreqFactor,
      double highFreqFactor,
      int originalMaxPositions) {}
}
