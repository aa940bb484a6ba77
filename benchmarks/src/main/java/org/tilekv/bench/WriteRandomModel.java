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
package org.tilekv.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.tilekv.llm.SafetensorsWriter;
import org.tilekv.llm.SafetensorsWriter.Spec;
import org.tilekv.llm.WeightDtype;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Writes a random Llama model of any shape as a Hugging Face directory: matrices with a standard
 * deviation of 0.02, norms of 1, no tokenizer. For measuring speed, which does not depend on the
 * values. The same options give the same bytes.
 */
@Command(
    name = "write-random-model",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Writes a random Llama model as a Hugging Face directory.")
public final class WriteRandomModel implements Callable<Integer> {

  private static final double STD = 0.02;
  private static final int CHUNK = 1 << 16;

  /** Spellings of {@code config.json}. */
  enum Dtype {
    bfloat16(WeightDtype.BF16),
    float16(WeightDtype.F16),
    float32(WeightDtype.F32);

    private final WeightDtype stored;

    Dtype(WeightDtype stored) {
      this.stored = stored;
    }
  }

  @Option(names = "--out", required = true, description = "directory to write")
  private Path out = Path.of("");

  @Option(names = "--hidden", description = "width of the residual stream")
  private int hidden = 768;

  @Option(names = "--intermediate", description = "width of the MLP")
  private int intermediate = 3072;

  @Option(names = "--layers", description = "transformer layers")
  private int layers = 12;

  @Option(names = "--heads", description = "query heads")
  private int heads = 12;

  @Option(names = "--kv-heads", description = "KV heads")
  private int kvHeads = 4;

  @Option(names = "--head-dim", description = "elements of a head")
  private int headDim = 64;

  @Option(names = "--vocab", description = "tokens of the vocabulary")
  private int vocab = 32_000;

  @Option(names = "--max-positions", description = "longest sequence in tokens")
  private int maxPositions = 32_768;

  @Option(names = "--dtype", description = "one of ${COMPLETION-CANDIDATES}")
  private Dtype dtype = Dtype.bfloat16;

  @Option(names = "--tied", description = "let the output head be the embedding")
  private boolean tied;

  @Option(names = "--seed", description = "seed of the values")
  private long seed = 1;

  private WriteRandomModel() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new WriteRandomModel()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(out);
    Files.writeString(out.resolve("config.json"), config().toPrettyString());
    List<Spec> specs = specs();
    SplittableRandom random = new SplittableRandom(seed);
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(out.resolve("model.safetensors"), specs)) {
      for (Spec spec : specs) {
        write(writer, spec, random.split());
      }
    }
    long parameters = specs.stream().mapToLong(Spec::elements).sum();
    System.out.printf("wrote %,d parameters (%s) to %s%n", parameters, dtype, out);
    return 0;
  }

  private ObjectNode config() {
    ObjectNode config = new ObjectMapper().createObjectNode();
    config.putArray("architectures").add("LlamaForCausalLM");
    config.put("model_type", "llama").put("hidden_act", "silu").put("dtype", dtype.name());
    config.put("vocab_size", vocab).put("hidden_size", hidden);
    config.put("intermediate_size", intermediate).put("num_hidden_layers", layers);
    config.put("num_attention_heads", heads).put("num_key_value_heads", kvHeads);
    config.put("head_dim", headDim).put("max_position_embeddings", maxPositions);
    config.put("rms_norm_eps", 1e-5).put("tie_word_embeddings", tied);
    config.put("bos_token_id", 0).put("eos_token_id", 1);
    config.putObject("rope_parameters").put("rope_type", "default").put("rope_theta", 10_000.0);
    return config;
  }

  private List<Spec> specs() {
    List<Spec> specs = new ArrayList<>();
    add(specs, "model.embed_tokens.weight", vocab, hidden);
    for (int i = 0; i < layers; i++) {
      String layer = "model.layers." + i + ".";
      add(specs, layer + "input_layernorm.weight", hidden);
      add(specs, layer + "self_attn.q_proj.weight", heads * headDim, hidden);
      add(specs, layer + "self_attn.k_proj.weight", kvHeads * headDim, hidden);
      add(specs, layer + "self_attn.v_proj.weight", kvHeads * headDim, hidden);
      add(specs, layer + "self_attn.o_proj.weight", hidden, heads * headDim);
      add(specs, layer + "post_attention_layernorm.weight", hidden);
      add(specs, layer + "mlp.gate_proj.weight", intermediate, hidden);
      add(specs, layer + "mlp.up_proj.weight", intermediate, hidden);
      add(specs, layer + "mlp.down_proj.weight", hidden, intermediate);
    }
    add(specs, "model.norm.weight", hidden);
    if (!tied) {
      add(specs, "lm_head.weight", vocab, hidden);
    }
    return specs;
  }

  private void add(List<Spec> specs, String name, int... shape) {
    specs.add(new Spec(name, dtype.stored, shape));
  }

  private static void write(SafetensorsWriter writer, Spec spec, SplittableRandom random) {
    boolean norm = spec.name().endsWith("norm.weight");
    float[] chunk = new float[CHUNK];
    for (long left = spec.elements(); left > 0; ) {
      int count = (int) Math.min(left, CHUNK);
      for (int i = 0; i < count; i++) {
        chunk[i] = norm ? 1 : bell(random.nextLong());
      }
      writer.write(chunk, 0, count);
      left -= count;
    }
  }

  /** A nearly normal value from 64 random bits: four uniform 16-bit numbers, centred and scaled. */
  private static float bell(long bits) {
    long sum = (bits & 0xFFFF) + (bits >>> 16 & 0xFFFF) + (bits >>> 32 & 0xFFFF) + (bits >>> 48);
    return (float) ((sum - 2 * 0xFFFF) * (STD * Math.sqrt(3) / 0x10000));
  }
}
