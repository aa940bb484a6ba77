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
package org.tilekv.engine;

import java.util.List;
import org.tilekv.llm.Tokenizer;

/**
 * Looks for stop strings in the text of a growing run of tokens, also where one spreads over
 * several tokens.
 *
 * <p>The text of a token depends on its neighbours, and a character may spread over several tokens.
 * So the last run of tokens that gave whole characters is decoded again together with the new ones,
 * and what it adds is the new text; text that ends in a replacement character is kept back until
 * its character is complete. Only the newest part of the text is searched. Confined to the engine's
 * thread.
 */
final class StopWatcher {
  private static final char REPLACEMENT = '\uFFFD';

  private final List<String> stopStrings;
  private final Tokenizer tokenizer;
  private final int longest;
  private final StringBuilder text = new StringBuilder();
  private int contextFrom;
  private int decodedTo;

  StopWatcher(List<String> stopStrings, Tokenizer tokenizer) {
    this.stopStrings = stopStrings;
    this.tokenizer = tokenizer;
    this.longest = stopStrings.stream().mapToInt(String::length).max().orElse(0);
  }

  /**
   * Takes in the tokens up to {@code to}; returns whether the text now holds a stop string.
   *
   * @param tokens tokens whose generated part starts at {@code from}, the same in every call
   */
  boolean foundIn(int[] tokens, int from, int to) {
    String context = tokenizer.decode(tokens, from + contextFrom, from + decodedTo);
    String longer = tokenizer.decode(tokens, from + contextFrom, to);
    if (longer.length() <= context.length() || endsIncomplete(longer)) {
      return false;
    }
    int searchFrom = Math.max(0, text.length() - longest + 1);
    text.append(longer, context.length(), longer.length());
    contextFrom = decodedTo;
    decodedTo = to - from;
    return stopStrings.stream().anyMatch(stop -> text.indexOf(stop, searchFrom) >= 0);
  }

  /** Whether the text of {@code tokens[from..to)} holds a stop string. */
  static boolean found(
      List<String> stopStrings, Tokenizer tokenizer, int[] tokens, int from, int to) {
    String text = tokenizer.decode(tokens, from, to);
    return stopStrings.stream().anyMatch(text::contains);
  }

  private static boolean endsIncomplete(String text) {
    return text.charAt(text.length() - 1) == REPLACEMENT;
  }
}
