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
package org.tilekv.spark;

import org.jspecify.annotations.Nullable;
import org.tilekv.llm.Tokenizer;
import org.tilekv.prefix.ChainHash;

/** Prompts as tokens, and as the names that a cache looks for. Thread-safe. */
final class PromptPaths {

  private static final long[] NO_PATH = {};

  private final Tokenizer tokenizer;
  private final ChainHash root;
  private final int tileTokens;

  /**
   * @param naming of the job's tiles, whatever executor asks
   * @param salt tenant salt of the rows, or null
   */
  PromptPaths(Tokenizer tokenizer, TileNaming naming, @Nullable String salt) {
    this.tokenizer = tokenizer;
    root = naming.root(salt);
    tileTokens = naming.tileTokens();
  }

  /** Tokens of a prompt, or null where it cannot be tokenised: the row itself will say why. */
  int @Nullable [] tokens(@Nullable String prompt) {
    return tokens(tokenizer, prompt);
  }

  static int @Nullable [] tokens(Tokenizer tokenizer, @Nullable String prompt) {
    try {
      return prompt == null ? null : tokenizer.encode(prompt);
    } catch (RuntimeException e) {
      return null;
    }
  }

  /** Names of the full tiles that the cache looks for: those before the last token. */
  long[] path(int @Nullable [] tokens) {
    int tiles = tokens == null ? 0 : Math.max(0, tokens.length - 1) / tileTokens;
    if (tokens == null || tiles == 0) {
      return NO_PATH;
    }
    long[] path = new long[tiles];
    ChainHash name = root;
    for (int tile = 0; tile < tiles; tile++) {
      name = name.child(tokens, tile * tileTokens, tileTokens);
      path[tile] = name.shortName();
    }
    return path;
  }
}
