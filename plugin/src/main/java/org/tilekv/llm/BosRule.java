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
import org.jspecify.annotations.Nullable;
import org.tilekv.llm.ModelConfig.Family;

/**
 * Decides which token, if any, is put in front of a prompt; see {@link HfTokenizer}.
 *
 * @param specialTokens whether the tokenizer's own post-processor runs
 * @param putFirst token id that must be the first, or null
 */
record BosRule(boolean specialTokens, @Nullable Integer putFirst) {

  private static final List<String> ALLOWED = List.of("auto", "true", "false");

  static void check(String addBos) {
    if (!ALLOWED.contains(addBos)) {
      throw new IllegalArgumentException("addBos is " + addBos + "; allowed are " + ALLOWED);
    }
  }

  static BosRule of(Path directory, ModelConfig config, String addBos, TokenizerHandle handle) {
    check(addBos);
    Path file = directory.resolve("tokenizer_config.json");
    JsonObject json = Files.exists(file) ? JsonObject.read(file) : null;
    boolean wanted = addBos.equals("auto") ? byModel(json, config) : addBos.equals("true");
    return new BosRule(
        !addBos.equals("false"), wanted ? tokenId(directory, json, config, handle) : null);
  }

  private static boolean byModel(@Nullable JsonObject json, ModelConfig config) {
    boolean byFamily =
        config.bosToken() != null
            && (config.family() == Family.LLAMA || config.family() == Family.MISTRAL);
    return json == null ? byFamily : json.flag("add_bos_token", byFamily);
  }

  /** The BOS id of the model or, where it has none, of the tokenizer's {@code bos_token}. */
  private static int tokenId(
      Path directory, @Nullable JsonObject json, ModelConfig config, TokenizerHandle handle) {
    if (config.bosToken() != null) {
      return config.bosToken();
    }
    if (json != null && json.has("bos_token")) {
      String text = json.get("bos_token").path("content").asText(json.get("bos_token").asText());
      int[] ids = handle.encode(text, false);
      if (ids.length == 1) {
        return ids[0];
      }
    }
    throw new InvalidModelException(
        "a BOS token is to be put first, but model directory "
            + directory
            + " has neither bos_token_id in config.json nor a bos_token of one id in"
            + " tokenizer_config.json");
  }
}
