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

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.tilekv.llm.ModelConfig.Family;
import org.tilekv.llm.SafetensorsWriter.Spec;

/**
 * Writes a random model of the Llama family as a Hugging Face directory, without a tokenizer. The
 * same settings and seed give the same values, however many shards there are.
 */
public final class SyntheticCheckpoint {

  private Family family = Family.LLAMA;
  private int hidden = 64;
  private int intermediate = 96;
  private int layers = 2;
  private int heads = 4;
  private int kvHeads = 2;
  private int headDim = 16;
  private int vocab = 256;
  private int maxPositions = 1024;
  private int shards = 1;
  private long seed = 1;
  private float std = 0.08f;
  private boolean tied;
  private boolean attentionBias;
  private boolean mlpBias;
  private WeightDtype dtype = WeightDtype.BF16;

  public SyntheticCheckpoint family(Family value) {
    family = value;
    return this;
  }

  public SyntheticCheckpoint hidden(int value, int intermediateSize) {
    hidden = value;
    intermediate = intermediateSize;
    return this;
  }

  public SyntheticCheckpoint layers(int value) {
    layers = value;
    return this;
  }

  public SyntheticCheckpoint heads(int query, int keyValue, int dim) {
    heads = query;
    kvHeads = keyValue;
    headDim = dim;
    return this;
  }

  public SyntheticCheckpoint vocab(int value) {
    vocab = value;
    return this;
  }

  public SyntheticCheckpoint maxPositions(int value) {
    maxPositions = value;
    return this;
  }

  /** Spreads the tensors over files with an index; 1 writes a single file. */
  public SyntheticCheckpoint shards(int value) {
    shards = value;
    return this;
  }

  public SyntheticCheckpoint seed(long value) {
    seed = value;
    return this;
  }

  /** Standard deviation of matrices and biases; norms are 1 plus as much. */
  public SyntheticCheckpoint std(float value) {
    std = value;
    return this;
  }

  public SyntheticCheckpoint tied(boolean value) {
    tied = value;
    return this;
  }

  /** Biases on q, k, v and o; Llama and Qwen3 only. */
  public SyntheticCheckpoint attentionBias(boolean value) {
    attentionBias = value;
    return this;
  }

  /** Biases on gate, up and down; Llama only. */
  public SyntheticCheckpoint mlpBias(boolean value) {
    mlpBias = value;
    return this;
  }

  public SyntheticCheckpoint dtype(WeightDtype value) {
    dtype = value;
    return this;
  }

  /** Writes the model; returns the directory. */
  public Path write(Path directory) {
    try {
      Files.createDirectories(directory);
      Files.writeString(directory.resolve("config.json"), config().toPrettyString());
      writeWeights(directory, specs());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return directory;
  }

  private ObjectNode config() {
    ObjectNode config = JsonFiles.MAPPER.createObjectNode();
    String name = family.name().charAt(0) + family.name().substring(1).toLowerCase(Locale.ROOT);
    config.putArray("architectures").add(name + "ForCausalLM");
    config.put("model_type", family.name().toLowerCase(Locale.ROOT)).put("hidden_act", "silu");
    config.put("vocab_size", vocab).put("hidden_size", hidden);
    config.put("intermediate_size", intermediate).put("num_hidden_layers", layers);
    config.put("num_attention_heads", heads).put("num_key_value_heads", kvHeads);
    config.put("head_dim", headDim).put("max_position_embeddings", maxPositions);
    config.put("rms_norm_eps", 1e-6).put("tie_word_embeddings", tied);
    config.put("attention_bias", attentionBias).put("mlp_bias", mlpBias);
    config.put("bos_token_id", 0).put("eos_token_id", 1).putNull("sliding_window");
    config.putObject("rope_parameters").put("rope_type", "default").put("rope_theta", 10000.0);
    return config;
  }

  private List<Spec> specs() {
    List<Spec> specs = new ArrayList<>();
    add(specs, "model.embed_tokens.weight", vocab, hidden);
    for (int layer = 0; layer < layers; layer++) {
      addLayer(specs, "model.layers." + layer + ".");
    }
    add(specs, "model.norm.weight", hidden);
    if (!tied) {
      add(specs, "lm_head.weight", vocab, hidden);
    }
    return specs;
  }

  private void addLayer(List<Spec> specs, String layer) {
    boolean qkvBias = attentionBias || family == Family.QWEN2;
    add(specs, layer + "input_layernorm.weight", hidden);
    addLinear(specs, layer + "self_attn.q_proj", heads * headDim, hidden, qkvBias);
    addLinear(specs, layer + "self_attn.k_proj", kvHeads * headDim, hidden, qkvBias);
    addLinear(specs, layer + "self_attn.v_proj", kvHeads * headDim, hidden, qkvBias);
    addLinear(specs, layer + "self_attn.o_proj", hidden, heads * headDim, attentionBias);
    if (family == Family.QWEN3) {
      add(specs, layer + "self_attn.q_norm.weight", headDim);
      add(specs, layer + "self_attn.k_norm.weight", headDim);
    }
    add(specs, layer + "post_attention_layernorm.weight", hidden);
    addLinear(specs, layer + "mlp.gate_proj", intermediate, hidden, mlpBias);
    addLinear(specs, layer + "mlp.up_proj", intermediate, hidden, mlpBias);
    addLinear(specs, layer + "mlp.down_proj", hidden, intermediate, mlpBias);
  }

  private void addLinear(List<Spec> specs, String name, int out, int in, boolean bias) {
    add(specs, name + ".weight", out, in);
    if (bias) {
      add(specs, name + ".bias", out);
    }
  }

  private void add(List<Spec> specs, String name, int... shape) {
    specs.add(new Spec(name, dtype, shape));
  }

  private void writeWeights(Path directory, List<Spec> specs) throws IOException {
    ObjectNode index = JsonFiles.MAPPER.createObjectNode();
    ObjectNode map = index.putObject("weight_map");
    for (int shard = 0; shard < shards; shard++) {
      String file = String.format("model-%05d-of-%05d.safetensors", shard + 1, shards);
      List<Spec> part =
          specs.subList(shard * specs.size() / shards, (shard + 1) * specs.size() / shards);
      part.forEach(spec -> map.put(spec.name(), file));
      writeFile(directory.resolve(shards == 1 ? "model.safetensors" : file), part);
    }
    if (shards > 1) {
      Files.writeString(directory.resolve("model.safetensors.index.json"), index.toPrettyString());
    }
  }

  private void writeFile(Path file, List<Spec> specs) {
    try (SafetensorsWriter writer = SafetensorsWriter.create(file, specs)) {
      for (Spec spec : specs) {
        float[] values = values(spec);
        writer.write(values, 0, values.length);
      }
    }
  }

  private float[] values(Spec spec) {
    SplittableRandom random = new SplittableRandom(seed * 31 + spec.name().hashCode());
    float mean = spec.name().endsWith("norm.weight") ? 1 : 0;
    float[] values = new float[Math.toIntExact(spec.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = mean + std * (float) random.nextGaussian();
    }
    return values;
  }
}
