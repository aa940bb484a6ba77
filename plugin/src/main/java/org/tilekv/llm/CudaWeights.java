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

import java.util.ArrayList;
import java.util.List;
import org.tilekv.KvDtype;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;

/**
 * A model's weights in device memory, as addresses; 0 stands for what a family does not have.
 *
 * @param embedding {@code [vocab, hidden]}
 * @param head {@code [vocab, hidden]}, the embedding's address where the two are tied
 * @param finalNorm {@code [hidden]}
 * @param rope float32 {@code [positions, 2, headDim / 2]}: cosines, then sines
 * @param layers weights of each layer
 * @param memory what holds them
 */
record CudaWeights(
    long embedding,
    long head,
    long finalNorm,
    long rope,
    List<Layer> layers,
    List<DeviceMemory> memory)
    implements AutoCloseable {

  /** Weights of one layer. */
  record Layer(
      long attentionNorm,
      long qkv,
      long qkvBias,
      long queryNorm,
      long keyNorm,
      long output,
      long outputBias,
      long mlpNorm,
      long gateUp,
      long gateUpBias,
      long down,
      long downBias) {}

  /** Uploads a checkpoint. */
  static CudaWeights load(
      Checkpoint checkpoint,
      ModelConfig config,
      CudaDevice device,
      CudaStream stream,
      KvDtype dtype,
      int positions) {
    WeightUploader uploader = new WeightUploader(device, stream, checkpoint, dtype);
    try (uploader) {
      return load(uploader, config, positions);
    } catch (Throwable failure) {
      uploader.discard();
      throw failure;
    }
  }

  private static CudaWeights load(WeightUploader uploader, ModelConfig config, int positions) {
    int hidden = config.hiddenSize();
    long embedding = uploader.matrix("model.embed_tokens.weight", config.vocabSize(), hidden);
    long head =
        config.tiedEmbeddings()
            ? embedding
            : uploader.matrix("lm_head.weight", config.vocabSize(), hidden);
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      layers.add(layer(uploader, config, "model.layers." + i + "."));
    }
    RopeTable rope = new RopeTable(config);
    rope.prepare(positions);
    return new CudaWeights(
        embedding,
        head,
        uploader.vector("model.norm.weight", hidden),
        uploader.floats(rope.blocks(), positions * config.headDim()),
        layers,
        uploader.uploaded());
  }

  private static Layer layer(WeightUploader uploader, ModelConfig config, String at) {
    int hidden = config.hiddenSize();
    int dim = config.headDim();
    int queries = config.queryHeads() * dim;
    int[] qkvRows = {queries, config.kvHeads() * dim, config.kvHeads() * dim};
    int[] gateUpRows = {config.intermediateSize(), config.intermediateSize()};
    String self = at + "self_attn.";
    String mlp = at + "mlp.";
    String[] qkv = {self + "q_proj", self + "k_proj", self + "v_proj"};
    String[] gateUp = {mlp + "gate_proj", mlp + "up_proj"};
    int[] outputRows = {hidden};
    return new Layer(
        uploader.vector(at + "input_layernorm.weight", hidden),
        uploader.stacked(qkvRows, hidden, qkv),
        uploader.biases(config.qkvBias(), qkvRows, qkv),
        config.qkNorm() ? uploader.vector(self + "q_norm.weight", dim) : 0,
        config.qkNorm() ? uploader.vector(self + "k_norm.weight", dim) : 0,
        uploader.stacked(outputRows, queries, self + "o_proj"),
        uploader.biases(config.outputBias(), outputRows, self + "o_proj"),
        uploader.vector(at + "post_attention_layernorm.weight", hidden),
        uploader.stacked(gateUpRows, hidden, gateUp),
        uploader.biases(config.mlpBias(), gateUpRows, gateUp),
        uploader.stacked(outputRows, config.intermediateSize(), mlp + "down_proj"),
        uploader.biases(config.mlpBias(), outputRows, mlp + "down_proj"));
  }

  @Override
  public void close() {
    memory.forEach(DeviceMemory::close);
  }
}
