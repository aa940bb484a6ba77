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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.llm.ModelConfig.Family;
import org.tilekv.llm.ModelConfig.Rope;
import org.tilekv.llm.ModelConfig.RopeScaling;

class HfConfigReaderTest {

  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final String SHAPE =
      "\"vocab_size\": 100, \"hidden_size\": 64, \"intermediate_size\": 96,"
          + " \"num_hidden_layers\": 4, \"num_attention_heads\": 4";

  @TempDir Path directory;

  @Test
  void readsGoldenLlama() {
    ModelConfig config = HfConfigReader.read(GOLDEN.resolve("tiny-llama"));
    assertThat(config)
        .usingRecursiveComparison()
        .isEqualTo(
            new ModelConfig(
                Family.LLAMA,
                512,
                128,
                352,
                3,
                4,
                2,
                32,
                1024,
                1e-6f,
                new Rope(10000, null),
                false,
                false,
                false,
                false,
                false,
                new int[3],
                0,
                Set.of(1)));
  }

  @Test
  void readsGoldenLlama3RopeInTheOlderForm() {
    ModelConfig config = HfConfigReader.read(GOLDEN.resolve("tiny-llama3-rope"));
    assertThat(config.kvHeads()).isEqualTo(1);
    assertThat(config.tiedEmbeddings()).isTrue();
    assertThat(config.rope()).isEqualTo(new Rope(500000, new RopeScaling("llama3", 8, 1, 4, 128)));
  }

  @Test
  void readsGoldenMistral() {
    ModelConfig config = HfConfigReader.read(GOLDEN.resolve("tiny-mistral-swa"));
    assertThat(config.family()).isEqualTo(Family.MISTRAL);
    assertThat(config.windows()).containsExactly(48, 48, 48);
    assertThat(config.qkvBias() || config.outputBias() || config.qkNorm()).isFalse();
  }

  @Test
  void readsGoldenQwen2() {
    ModelConfig config = HfConfigReader.read(GOLDEN.resolve("tiny-qwen2"));
    assertThat(config.family()).isEqualTo(Family.QWEN2);
    assertThat(config.headDim()).isEqualTo(32);
    assertThat(config.rope().theta()).isEqualTo(1e6);
    assertThat(config.qkvBias()).isTrue();
    assertThat(config.outputBias() || config.mlpBias() || config.qkNorm()).isFalse();
    assertThat(config.windows()).containsExactly(0, 0, 0);
  }

  @Test
  void readsGoldenQwen3() {
    ModelConfig config = HfConfigReader.read(GOLDEN.resolve("tiny-qwen3"));
    assertThat(config.family()).isEqualTo(Family.QWEN3);
    assertThat(config.headDim()).isEqualTo(64);
    assertThat(config.qkNorm()).isTrue();
    assertThat(config.qkvBias() || config.outputBias()).isFalse();
  }

  @Test
  void goldenTensorsHaveTheConfiguredShapes() {
    for (String name :
        new String[] {
          "tiny-llama", "tiny-llama3-rope", "tiny-mistral-swa", "tiny-qwen2", "tiny-qwen3"
        }) {
      ModelConfig config = HfConfigReader.read(GOLDEN.resolve(name));
      try (Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve(name))) {
        String attention = "model.layers.2.self_attn.";
        int queryWidth = config.queryHeads() * config.headDim();
        checkpoint
            .tensor(attention + "q_proj.weight")
            .requireShape(queryWidth, config.hiddenSize());
        checkpoint
            .tensor(attention + "k_proj.weight")
            .requireShape(config.kvHeads() * config.headDim(), config.hiddenSize());
        assertThat(checkpoint.has(attention + "q_proj.bias")).isEqualTo(config.qkvBias());
        assertThat(checkpoint.has(attention + "q_norm.weight")).isEqualTo(config.qkNorm());
        assertThat(checkpoint.has("lm_head.weight")).isNotEqualTo(config.tiedEmbeddings());
      }
    }
  }

  @Test
  void absentKeysHaveDefaults() throws IOException {
    ModelConfig config = read("Llama", "");
    assertThat(config)
        .usingRecursiveComparison()
        .isEqualTo(
            new ModelConfig(
                Family.LLAMA,
                100,
                64,
                96,
                4,
                4,
                4,
                16,
                2048,
                1e-6f,
                new Rope(10000, null),
                false,
                false,
                false,
                false,
                false,
                new int[4],
                null,
                Set.of()));
    assertThat(read("Mistral", "").windows()).containsOnly(4096);
    assertThat(read("Mistral", ", \"sliding_window\": null").windows()).containsOnly(0);
    assertThat(read("Mistral", "").maxPositions()).isEqualTo(131_072);
    assertThat(read("Qwen2", "").maxPositions()).isEqualTo(32_768);
    assertThat(read("Qwen2", ", \"attention_bias\": true").outputBias()).isFalse();
    assertThat(read("Qwen3", "").headDim()).isEqualTo(128);
    assertThat(read("Qwen3", ", \"head_dim\": null").headDim()).isEqualTo(16);
    assertThat(read("Llama", ", \"head_dim\": null").headDim()).isEqualTo(16);
  }

  @Test
  void familyComesFromModelTypeWithoutArchitectures() throws IOException {
    write("{\"model_type\": \"qwen3\", \"architectures\": null, " + SHAPE + "}");
    assertThat(HfConfigReader.read(directory).family()).isEqualTo(Family.QWEN3);
    write("{" + SHAPE + "}");
    refused("model_type is", "allowed are llama, mistral, qwen2, qwen3");
  }

  @Test
  void biasesFollowTheFamily() throws IOException {
    ModelConfig llama = read("Llama", ", \"attention_bias\": true, \"mlp_bias\": true");
    assertThat(llama.qkvBias() && llama.outputBias() && llama.mlpBias()).isTrue();
    ModelConfig qwen3 = read("Qwen3", ", \"attention_bias\": true, \"mlp_bias\": true");
    assertThat(qwen3.qkvBias() && qwen3.outputBias()).isTrue();
    assertThat(qwen3.mlpBias()).isFalse();
    ModelConfig mistral = read("Mistral", ", \"attention_bias\": true");
    assertThat(mistral.qkvBias() || mistral.outputBias()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Qwen2", "Qwen3"})
  void qwenWindows(String family) throws IOException {
    assertThat(read(family, ", \"sliding_window\": 32").windows()).containsExactly(0, 0, 0, 0);
    String used = ", \"use_sliding_window\": true, \"sliding_window\": 32";
    assertThat(read(family, used).windows()).containsExactly(0, 0, 0, 0);
    assertThat(read(family, used + ", \"max_window_layers\": 3").windows())
        .containsExactly(0, 0, 0, 32);
    assertThat(read(family, used + ", \"max_window_layers\": 0").windows())
        .containsExactly(32, 32, 32, 32);
    String types =
        ", \"layer_types\": [\"sliding_attention\", \"full_attention\", \"full_attention\","
            + " \"sliding_attention\"]";
    assertThat(read(family, used + types).windows()).containsExactly(32, 0, 0, 32);
    assertThat(read(family, ", \"sliding_window\": 32" + types).windows())
        .containsExactly(0, 0, 0, 0);
    refusedWith(
        family, used + ", \"layer_types\": [\"full_attention\"]", "one type per layer is needed");
    refusedWith(
        family,
        used + types.replace("full_attention", "linear_attention"),
        "allowed are full_attention, sliding_attention");
  }

  @Test
  void ropeOfBothForms() throws IOException {
    Rope linear = new Rope(5000, new RopeScaling("linear", 2, 0, 0, 0));
    String older = ", \"rope_theta\": 5000, \"rope_scaling\": {\"%s\": \"linear\", \"factor\": 2}";
    assertThat(read("Llama", older.formatted("type")).rope()).isEqualTo(linear);
    assertThat(read("Llama", older.formatted("rope_type")).rope()).isEqualTo(linear);
    assertThat(
            read(
                    "Llama",
                    ", \"rope_parameters\": {\"rope_theta\": 5000.0, \"rope_type\": \"linear\","
                        + " \"factor\": 2.0}")
                .rope())
        .isEqualTo(linear);
    assertThat(read("Llama", ", \"rope_theta\": 5000, \"rope_scaling\": null").rope())
        .isEqualTo(new Rope(5000, null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"yarn", "longrope", "dynamic"})
  void otherRopeTypesAreRefusedByName(String type) throws IOException {
    String message = "is \"" + type + "\"; allowed are default, linear, llama3";
    refusedWith("Llama", ", \"rope_scaling\": {\"type\": \"" + type + "\"}", message);
    refusedWith("Llama", ", \"rope_parameters\": {\"rope_type\": \"" + type + "\"}", message);
  }

  @Test
  void endTokensOfGenerationConfigWin() throws IOException {
    write(json("Llama", ", \"eos_token_id\": 7, \"bos_token_id\": 5"));
    assertThat(HfConfigReader.read(directory).eosTokens()).containsExactly(7);
    generation("{\"eos_token_id\": [8, 9, 8]}");
    assertThat(HfConfigReader.read(directory).eosTokens()).containsExactlyInAnyOrder(8, 9);
    assertThat(HfConfigReader.read(directory).bosToken()).isEqualTo(5);
    generation("{\"eos_token_id\": null}");
    assertThat(HfConfigReader.read(directory).eosTokens()).containsExactly(7);
    generation("{\"eos_token_id\": [100]}");
    refused("eos_token_id is [100]", "token ids from 0 to 99 are allowed");
    generation("{");
    refused("generation_config.json is not valid JSON", "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hidden_act | \"gelu\" | is \"gelu\"; allowed are silu",
        "quantization_config | {\"bits\": 4} | is {\"bits\":4}; allowed are unquantised weights",
        "num_key_value_heads | 3 | is 3; a divisor of num_attention_heads 4 is needed",
        "num_key_value_heads | 0 | is 0; a positive integer is needed",
        "hidden_size | \"64\" | is \"64\"; a positive integer is needed",
        "hidden_size | 66 | is 66; without head_dim a multiple of num_attention_heads 4 is needed",
        "head_dim | 15 | is 15; an even number is needed",
        "rms_norm_eps | -1 | is -1; a positive number is needed",
        "tie_word_embeddings | \"no\" | is \"no\"; true or false is needed",
        "partial_rotary_factor | 0.5 | is 0.5; allowed is 1",
        "rope_theta | 0 | is 0; a positive number is needed",
        "rope_scaling | 8 | is 8; an object is needed",
        "bos_token_id | 100 | is 100; token ids from 0 to 99 are allowed",
        "max_position_embeddings | 1e30 | is 1.0E30; a positive integer is needed",
      })
  void badValuesAreRefusedByKeyValueAndWhatIsAllowed(String key, String value, String message)
      throws IOException {
    String json = json("Llama", "").replaceAll("\"" + key + "\": \\d+", "\"unused\": 0");
    write(json.replace("}", ", \"" + key + "\": " + value + "}"));
    refused(directory.resolve("config.json").toString() + ": " + key, message);
  }

  @Test
  void llama3RopeNeedsItsFactors() throws IOException {
    String scaling = ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8";
    refusedWith("Llama", scaling + "}", "rope_scaling has no low_freq_factor");
    refusedWith(
        "Llama",
        scaling
            + ", \"low_freq_factor\": 4, \"high_freq_factor\": 4,"
            + " \"original_max_position_embeddings\": 128}",
        "more than low_freq_factor 4.0 is needed");
  }

  @Test
  void unknownArchitectureIsRefused() throws IOException {
    refusedWith(
        "Mamba",
        "",
        "architectures is [\"MambaForCausalLM\"]; allowed are [LlamaForCausalLM,"
            + " MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM]");
  }

  @Test
  void missingAndBrokenFilesAreNamed() throws IOException {
    Path absent = directory.resolve("absent");
    assertThatThrownBy(() -> HfConfigReader.read(absent))
        .isInstanceOf(InvalidModelException.class)
        .hasMessage("model directory " + absent + " does not exist");
    refused("model directory " + directory + " has no config.json", "");
    write("{\"vocab_size\": ");
    refused(directory.resolve("config.json") + " is not valid JSON", "");
    write("[]");
    refused("type ARRAY; an object is needed", "");
    write("{\"architectures\": [\"LlamaForCausalLM\"]}");
    refused("config.json has no vocab_size; a positive integer is needed", "");
  }

  private ModelConfig read(String family, String more) throws IOException {
    write(json(family, more));
    return HfConfigReader.read(directory);
  }

  private void refusedWith(String family, String more, String message) throws IOException {
    write(json(family, more));
    refused(message, "");
  }

  private void refused(String message, String also) {
    assertThatThrownBy(() -> HfConfigReader.read(directory))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(also);
  }

  private static String json(String family, String more) {
    return "{\"architectures\": [\"" + family + "ForCausalLM\"], " + SHAPE + more + "}";
  }

  private void write(String json) throws IOException {
    Files.writeString(directory.resolve("config.json"), json);
  }

  private void generation(String json) throws IOException {
    Files.writeString(directory.resolve("generation_config.json"), json);
  }
}
