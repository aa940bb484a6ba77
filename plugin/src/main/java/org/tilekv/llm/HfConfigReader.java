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

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.tilekv.llm.ModelConfig.Family;

/**
 * Reads {@code config.json} and {@code generation_config.json} of a Hugging Face directory, in the
 * older and the newer form, with the defaults that the transformers library has for absent keys.
 * What the decoders cannot do is refused here, before any weight is read.
 */
public final class HfConfigReader {

  private static final Map<String, Family> ARCHITECTURES =
      Map.of(
          "LlamaForCausalLM", Family.LLAMA,
          "MistralForCausalLM", Family.MISTRAL,
          "Qwen2ForCausalLM", Family.QWEN2,
          "Qwen3ForCausalLM", Family.QWEN3);

  private static final int DEFAULT_QWEN3_HEAD_DIM = 128;
  private static final double DEFAULT_EPS = 1e-6;
  private static final List<String> QUANTIZATION = List.of("quantization_config", "quantization");

  private final JsonObject config;
  private final List<JsonObject> generationFirst;
  private final Family family;

  private HfConfigReader(JsonObject config, List<JsonObject> generationFirst) {
    this.config = config;
    this.generationFirst = generationFirst;
    this.family = family(config);
  }

  /**
   * Reads the configuration of a model directory.
   *
   * @throws InvalidModelException where the directory or a file is missing, is not valid JSON, or
   *     asks for something unsupported; the message names the key, its value and what is allowed
   */
  public static ModelConfig read(Path directory) {
    CheckpointFiles.requireDirectory(directory);
    Path file = directory.resolve("config.json");
    if (!Files.exists(file)) {
      throw new InvalidModelException("model directory " + directory + " has no config.json");
    }
    JsonObject config = JsonObject.read(file);
    Path generation = directory.resolve("generation_config.json");
    List<JsonObject> generationFirst =
        Files.exists(generation) ? List.of(JsonObject.read(generation), config) : List.of(config);
    return new HfConfigReader(config, generationFirst).read();
  }

  private ModelConfig read() {
    refuseUnsupported();
    int vocabSize = config.positiveInt("vocab_size");
    int hiddenSize = config.positiveInt("hidden_size");
    int layers = config.positiveInt("num_hidden_layers");
    int queryHeads = config.positiveInt("num_attention_heads");
    boolean attentionBias =
        (family == Family.LLAMA || family == Family.QWEN3) && config.flag("attention_bias", false);
    return new ModelConfig(
        family,
        vocabSize,
        hiddenSize,
        config.positiveInt("intermediate_size"),
        layers,
        queryHeads,
        kvHeads(queryHeads),
        headDim(hiddenSize, queryHeads),
        config.positiveInt("max_position_embeddings", defaultMaxPositions()),
        (float) config.positiveNumber("rms_norm_eps", DEFAULT_EPS),
        RopeReader.read(config),
        config.flag("tie_word_embeddings", false),
        attentionBias || family == Family.QWEN2,
        attentionBias,
        family == Family.LLAMA && config.flag("mlp_bias", false),
        family == Family.QWEN3,
        WindowReader.read(config, family, layers),
        TokenIdReader.one(generationFirst, "bos_token_id", vocabSize),
        Set.copyOf(TokenIdReader.all(generationFirst, "eos_token_id", vocabSize)));
  }

  private static Family family(JsonObject config) {
    if (config.get("architectures").path(0).isTextual()) {
      Family family = ARCHITECTURES.get(config.get("architectures").path(0).textValue());
      if (family == null) {
        throw config.refused(
            "architectures", "allowed are " + new TreeSet<>(ARCHITECTURES.keySet()));
      }
      return family;
    }
    String type =
        config.oneOf("model_type", "absent", List.of("llama", "mistral", "qwen2", "qwen3"));
    return Family.valueOf(type.toUpperCase(Locale.ROOT));
  }

  private void refuseUnsupported() {
    config.oneOf("hidden_act", "silu", List.of("silu"));
    for (String key : QUANTIZATION) {
      if (config.has(key)) {
        throw config.refused(key, "allowed are unquantised weights (BF16, F16, F32)");
      }
    }
  }

  private int kvHeads(int queryHeads) {
    int kvHeads = config.positiveInt("num_key_value_heads", queryHeads);
    if (queryHeads % kvHeads != 0) {
      throw config.refused(
          "num_key_value_heads", "a divisor of num_attention_heads " + queryHeads + " is needed");
    }
    return kvHeads;
  }

  private int headDim(int hiddenSize, int queryHeads) {
    boolean absent = !config.has("head_dim") && !config.isNull("head_dim");
    if (absent && family == Family.QWEN3) {
      return DEFAULT_QWEN3_HEAD_DIM;
    }
    if (!config.has("head_dim") && hiddenSize % queryHeads != 0) {
      throw config.refused(
          "hidden_size",
          "without head_dim a multiple of num_attention_heads " + queryHeads + " is needed");
    }
    int headDim = config.positiveInt("head_dim", hiddenSize / queryHeads);
    if (headDim % 2 != 0) {
      throw new InvalidModelException(
          config.where() + ": head_dim is " + headDim + "; an even number is needed");
    }
    return headDim;
  }

  private int defaultMaxPositions() {
    return switch (family) {
      case LLAMA -> 2_048;
      case MISTRAL -> 131_072;
      case QWEN2, QWEN3 -> 32_768;
    };
  }
}
