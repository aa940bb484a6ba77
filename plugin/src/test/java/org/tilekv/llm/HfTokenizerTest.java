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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HfTokenizerTest {

  private static final Path DATA = Path.of("../examples/data");
  private static final Path MODEL = DATA.resolve("records-6m");

  @TempDir Path directory;

  @Test
  void recordsComeBackAndBosIsFirst() throws IOException {
    try (Tokenizer tokenizer = open(MODEL, "auto")) {
      for (String text : Files.readAllLines(DATA.resolve("records.jsonl")).subList(0, 300)) {
        int[] tokens = tokenizer.encode(text);
        assertThat(tokens[0]).isZero();
        assertThat(tokens[1]).isNotZero();
        assertThat(tokenizer.decode(tokens, 0, tokens.length)).isEqualTo(text);
      }
    }
  }

  @Test
  void decodesAPartAndLeavesSpecialTokensOut() {
    try (Tokenizer tokenizer = open(MODEL, "auto")) {
      int[] tokens = tokenizer.encode("ab<s>cd</s>");
      assertThat(tokens).contains(1).startsWith(0);
      assertThat(tokenizer.decode(tokens, 0, tokens.length)).isEqualTo("abcd");
      assertThat(tokenizer.decode(tokens, 2, 2)).isEmpty();
      assertThat(tokenizer.decode(new int[] {99_999}, 0, 1)).isEmpty();
    }
  }

  @Test
  void unusualTextIsSafe() {
    try (Tokenizer tokenizer = open(MODEL, "auto")) {
      for (String text : List.of("", "\u0000x", "naïve 𝄞 日本 \uD83D\uDE00", "\t\r\n ")) {
        int[] tokens = tokenizer.encode(text);
        assertThat(tokens[0]).isZero();
        assertThat(tokenizer.decode(tokens, 0, tokens.length)).isEqualTo(text);
      }
      assertThat(tokenizer.encode("a\uD800b\uDC00")).startsWith(0).hasSizeGreaterThan(2);
    }
  }

  @Test
  void bosRule() throws IOException {
    Path model = copy();
    int[] plain = encode(model, "false", "x");
    int[] withBos = prepend(0, plain);
    assertThat(plain[0]).isNotZero();
    assertThat(encode(model, "auto", "x")).isEqualTo(withBos);
    assertThat(encode(model, "true", "x")).isEqualTo(withBos);
    assertThat(encode(model, "auto", "<s>x")).isEqualTo(withBos);
    assertThat(encode(model, "true", "<s>x")).isEqualTo(withBos);
    assertThat(encode(model, "false", "<s>x")).isEqualTo(withBos);

    tokenizerConfig(model, "{\"add_bos_token\": false}");
    assertThat(encode(model, "auto", "x")).isEqualTo(plain);
    assertThat(encode(model, "true", "x")).isEqualTo(withBos);
    tokenizerConfig(model, "{\"add_bos_token\": true}");
    assertThat(encode(model, "auto", "x")).isEqualTo(withBos);
  }

  @Test
  void postProcessorPutsBosOnceAndCanBeTurnedOff() throws IOException {
    Path model = copy();
    edit(
        model,
        "\"single\": [",
        "\"single\": [{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}},");
    edit(
        model,
        "\"special_tokens\": {}",
        "\"special_tokens\": {\"<s>\": {\"id\": \"<s>\", \"ids\": [0], \"tokens\": [\"<s>\"]}}");
    int[] plain = encode(MODEL, "false", "x");
    assertThat(encode(model, "auto", "x")).isEqualTo(prepend(0, plain));
    assertThat(encode(model, "true", "x")).isEqualTo(prepend(0, plain));
    assertThat(encode(model, "false", "x")).isEqualTo(plain);
  }

  @Test
  void qwenGetsNoBos() throws IOException {
    Path model = copy();
    Path config = model.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("LlamaForCausalLM", "Qwen3ForCausalLM"));
    assertThat(encode(model, "auto", "x")).isEqualTo(encode(MODEL, "false", "x"));
  }

  @Test
  void bosOfTheTokenizerStandsInForTheModels() throws IOException {
    Path model = copy();
    Path config = model.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"bos_token_id\": 0,", ""));
    Files.delete(model.resolve("generation_config.json"));
    int[] plain = encode(MODEL, "false", "x");
    assertThat(encode(model, "auto", "x")).isEqualTo(plain);
    assertThat(encode(model, "true", "x")).isEqualTo(prepend(0, plain));
    Files.delete(model.resolve("tokenizer_config.json"));
    assertThatThrownBy(() -> open(model, "true"))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining(model + " has neither bos_token_id in config.json nor a bos_token");
  }

  @Test
  void truncationAndPaddingOfTheFileAreOff() throws IOException {
    Path model = copy();
    edit(
        model,
        "\"truncation\": null",
        "\"truncation\": {\"direction\": \"Right\", \"max_length\": 5, \"strategy\":"
            + " \"LongestFirst\", \"stride\": 0}");
    edit(
        model,
        "\"padding\": null",
        "\"padding\": {\"strategy\": {\"Fixed\": 64}, \"direction\": \"Right\","
            + " \"pad_to_multiple_of\": null, \"pad_id\": 1, \"pad_type_id\": 0, \"pad_token\":"
            + " \"</s>\"}");
    assertThat(encode(model, "auto", "x")).isEqualTo(encode(MODEL, "auto", "x"));
    String text = "word 123 ".repeat(2000);
    assertThat(encode(model, "auto", text)).isEqualTo(encode(MODEL, "auto", text));
  }

  @Test
  void missingOrBrokenFilesAreNamed() throws IOException {
    Path model = copy();
    Files.writeString(model.resolve("tokenizer.json"), "{\"version\": ");
    assertThatThrownBy(() -> open(model, "auto"))
        .isInstanceOf(InvalidModelException.class)
        .hasMessageContaining("cannot read " + model.resolve("tokenizer.json"));
    assertThatThrownBy(() -> open(model, "maybe"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("addBos is maybe; allowed are [auto, true, false]");

    Files.delete(model.resolve("tokenizer.json"));
    try (Tokenizer tokenizer = open(model, "auto")) {
      assertThatThrownBy(() -> tokenizer.encode("x"))
          .isInstanceOf(InvalidModelException.class)
          .hasMessage("model directory " + model + " has no tokenizer.json, which text needs");
      assertThatThrownBy(() -> tokenizer.decode(new int[] {2}, 0, 1))
          .isInstanceOf(InvalidModelException.class)
          .hasMessageContaining("has no tokenizer.json");
    }
  }

  @Test
  void manyThreadsAgreeAndCloseIsSafe() throws Exception {
    Tokenizer tokenizer = open(MODEL, "auto");
    List<String> texts = Files.readAllLines(DATA.resolve("records.jsonl")).subList(0, 50);
    List<int[]> expected = texts.stream().map(tokenizer::encode).toList();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Integer>> running = new ArrayList<>();
      for (int thread = 0; thread < 8; thread++) {
        running.add(threads.submit(() -> encodeUntilClosed(tokenizer, texts, expected)));
      }
      assertThat(encodeRounds(tokenizer, texts, expected, 20)).isEqualTo(20 * texts.size());
      tokenizer.close();
      tokenizer.close();
      for (Future<Integer> thread : running) {
        assertThat(thread.get()).isGreaterThanOrEqualTo(0);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThatThrownBy(() -> tokenizer.encode("x"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the tokenizer is closed");
  }

  private static int encodeUntilClosed(Tokenizer tokenizer, List<String> texts, List<int[]> ids) {
    int done = 0;
    try {
      while (true) {
        done += encodeRounds(tokenizer, texts, ids, 1);
      }
    } catch (IllegalStateException closed) {
      return done;
    }
  }

  private static int encodeRounds(
      Tokenizer tokenizer, List<String> texts, List<int[]> expected, int rounds) {
    int done = 0;
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < texts.size(); i++) {
        int[] tokens = tokenizer.encode(texts.get(i));
        assertThat(tokens).isEqualTo(expected.get(i));
        assertThat(tokenizer.decode(tokens, 0, tokens.length)).isEqualTo(texts.get(i));
        done++;
      }
    }
    return done;
  }

  private static Tokenizer open(Path model, String addBos) {
    return HfTokenizer.open(model, HfConfigReader.read(model), addBos);
  }

  private static int[] encode(Path model, String addBos, String text) {
    try (Tokenizer tokenizer = open(model, addBos)) {
      return tokenizer.encode(text);
    }
  }

  private static int[] prepend(int first, int[] rest) {
    int[] all = new int[rest.length + 1];
    all[0] = first;
    System.arraycopy(rest, 0, all, 1, rest.length);
    return all;
  }

  private Path copy() throws IOException {
    for (String name :
        List.of(
            "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")) {
      Files.copy(MODEL.resolve(name), directory.resolve(name));
    }
    return directory;
  }

  private static void edit(Path model, String from, String to) throws IOException {
    Path file = model.resolve("tokenizer.json");
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replaceFirst(Pattern.quote(from), Matcher.quoteReplacement(to)));
  }

  private static void tokenizerConfig(Path model, String json) throws IOException {
    Files.writeString(model.resolve("tokenizer_config.json"), json);
  }
}
