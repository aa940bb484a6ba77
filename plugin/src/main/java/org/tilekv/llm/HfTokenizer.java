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
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a Hugging Face directory's {@code tokenizer.json}, run by the native library of
 * that format. Never truncates or pads. Remembers the tokens of lines where that cannot change any
 * ({@link LineCuts}), so that what prompts share is encoded once. Thread-safe.
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

  private final TokenizerHandle handle;
  private final BosRule rule;

  /** Null where texts have to be encoded whole. */
  private final @Nullable LineEncoder lines;

  private HfTokenizer(TokenizerHandle handle, BosRule rule, @Nullable LineEncoder lines) {
    this.handle = handle;
    this.rule = rule;
    this.lines = lines;
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
    BosRule.check(addBos);
    CheckpointFiles.requireDirectory(directory);
    Path file = directory.resolve("tokenizer.json");
    if (!Files.exists(file)) {
      return new MissingTokenizer(directory);
    }
    String json = read(file);
    TokenizerHandle handle = load(json, file);
    try {
      BosRule rule = BosRule.of(directory, config, addBos, handle);
      return new HfTokenizer(handle, rule, LineEncoder.of(json, handle, rule.specialTokens()));
    } catch (RuntimeException e) {
      handle.close();
      throw e;
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  private static TokenizerHandle load(String json, Path file) {
    TokenizersLibrary library = NativeTokenizers.library();
    try {
      return new TokenizerHandle(library, json);
    } catch (RuntimeException e) {
      throw cannotRead(file, e);
    }
  }

  private static InvalidModelException cannotRead(Path file, Exception e) {
    return new InvalidModelException("cannot read " + file + ": " + e.getMessage(), e);
  }

  @Override
  public int[] encode(String text) {
    int[] ids = lines == null ? handle.encode(text, rule.specialTokens()) : lines.encode(text);
    Integer bos = rule.putFirst();
    if (bos == null || ids.length > 0 && ids[0] == bos) {
      return ids;
    }
    int[] tokens = new int[1 + ids.length];
    tokens[0] = bos;
    System.arraycopy(ids, 0, tokens, 1, ids.length);
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
