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

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.llm.ModelConfig.Family;

/**
 * The tokenizer of a Hugging Face directory's {@code tokenizer.json}, run by the native library of
 * that format. Never truncates or pads. Thread-safe.
 *
 * <p>Whether a prompt gets the BOS token in front:
 *
 * <ul>
 *   <li>{@code true}: yes, unless it is there already.
 *   <li>{@code false}: no special token at all is added; the text holds what it needs.
 *   <li>{@code auto}: the file's own post-processor runs. Then BOS is put in front if it is not
 *       there and {@code add_bos_token} of {@code tokenizer_config.json} says so or, where that key
 *       is absent, the family is Llama or Mistral and the model has a BOS id.
 * </ul>
 */
public final class HfTokenizer implements Tokenizer {

  private static final List<String> ADD_BOS = List.of("auto", "true", "false");

  private final TokenizerHandle handle;
  private final boolean specialTokens;
  private final @Nullable Integer putFirst;

  private HfTokenizer(TokenizerHandle handle, boolean specialTokens, @Nullable Integer putFirst) {
    this.handle = handle;
    this.specialTokens = specialTokens;
    this.putFirst = putFirst;
  }

  /**
   * Opens the tokenizer of a model directory. Where there is no {@code tokenizer.json} the result
   * can be closed, but throws {@link InvalidModelException} when text is to be encoded or decoded:
   * token ids can be used without it.
   *
   * @param addBos {@code auto}, {@code true} or {@code false}
   * @throws InvalidModelException where a file is damaged or BOS is wanted and the model has none
   */
  public static Tokenizer open(Path directory, ModelConfig config, String addBos) {
    if (!ADD_BOS.contains(addBos)) {
      throw new IllegalArgumentException("addBos is " + addBos + "; allowed are " + ADD_BOS);
    }
    CheckpointFiles.requireDirectory(directory);
    Path file = directory.resolve("tokenizer.json");
    if (!Files.exists(file)) {
      return new MissingTokenizer(directory);
    }
    TokenizerHandle handle = load(file);
    try {
      boolean wanted = bosWanted(directory, config, addBos);
      Integer bos = wanted ? bos(directory, config, handle) : null;
      return new HfTokenizer(handle, !addBos.equals("false"), bos);
    } catch (RuntimeException e) {
      handle.close();
      throw e;
    }
  }

  private static TokenizerHandle load(Path file) {
    TokenizersLibrary library = NativeTokenizers.library();
    try {
      return new TokenizerHandle(library, Files.readString(file));
    } catch (IOException | RuntimeException e) {
      throw new InvalidModelException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static boolean bosWanted(Path directory, ModelConfig config, String addBos) {
    if (!addBos.equals("auto")) {
      return addBos.equals("true");
    }
    Path file = directory.resolve("tokenizer_config.json");
    boolean byFamily =
        config.bosToken() != null
            && (config.family() == Family.LLAMA || config.family() == Family.MISTRAL);
    return Files.exists(file) ? JsonObject.read(file).flag("add_bos_token", byFamily) : byFamily;
  }

  /** The BOS id of the model or, where it has none, of the tokenizer's {@code bos_token}. */
  private static int bos(Path directory, ModelConfig config, TokenizerHandle handle) {
    if (config.bosToken() != null) {
      return config.bosToken();
    }
    Path file = directory.resolve("tokenizer_config.json");
    if (Files.exists(file)) {
      JsonObject json = JsonObject.read(file);
      String text = json.get("bos_token").path("content").asText(json.get("bos_token").asText());
      long[] ids = handle.encode(text, false);
      if (ids.length == 1) {
        return Math.toIntExact(ids[0]);
      }
    }
    throw new InvalidModelException(
        "a BOS token is to be put first, but model directory "
            + directory
            + " has neither bos_token_id in config.json nor a bos_token of one id in"
            + " tokenizer_config.json");
  }

  @Override
  public int[] encode(String text) {
    long[] ids = handle.encode(text, specialTokens);
    Integer bos = putFirst;
    boolean put = bos != null && (ids.length == 0 || ids[0] != bos);
    int[] tokens = new int[ids.length + (put ? 1 : 0)];
    if (bos != null && put) {
      tokens[0] = bos;
    }
    for (int i = 0; i < ids.length; i++) {
      tokens[tokens.length - ids.length + i] = (int) ids[i];
    }
    return tokens;
  }

  @Override
  public String decode(int[] tokens, int from, int to) {
    long[] ids = new long[to - from];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens[from + i];
    }
    return handle.decode(ids);
  }

  /** Frees the native tokenizer; later calls throw {@link IllegalStateException}. */
  @Override
  public void close() {
    handle.close();
  }
}
