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

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Where a text can be cut so that its pieces, encoded one by one, give the tokens of the whole, and
 * for which tokenizers that is so.
 *
 * <p>A cut is behind a line feed that stands between two visible characters. The tokenizer is one
 * of byte-pair encoding whose words are found by one of a few known patterns. None of them matches
 * across a cut: no alternative has a line feed followed by something that is not white space. And
 * none of them matches differently before a cut: the only look ahead, {@code \s+(?!\S)}, sees one
 * line feed there and leaves it to the next alternative, which takes that line feed alone, as the
 * look ahead does at the end of a text. No pattern looks behind. What comes before and after the
 * patterns is asked for as well: nothing may change a text where it begins, take white space around
 * a special token, or hold a line feed inside one; merges may not be left out by chance.
 */
final class LineCuts {

  /** Words of the Llama 3 family and of {@code cl100k}. */
  private static final String LLAMA_3 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /** Words of the Qwen 2 and 3 families. */
  private static final String QWEN = LLAMA_3.replace("\\p{N}{1,3}", "\\p{N}");

  private static final Set<String> PATTERNS = Set.of(LLAMA_3, QWEN);

  private LineCuts() {}

  /** The first cut behind a place of a text, or the end of the text. */
  static int next(String text, int from) {
    int feed = text.indexOf('\n', Math.max(from, 1));
    while (feed >= 0 && feed + 1 < text.length()) {
      if (visible(text.charAt(feed - 1)) && visible(text.charAt(feed + 1))) {
        return feed + 1;
      }
      feed = text.indexOf('\n', feed + 1);
    }
    return text.length();
  }

  /**
   * Whether all surrogates are in pairs. Where one is alone the library replaces others, too, so
   * that its pieces would not be those of the whole.
   */
  static boolean isWellFormed(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        if (Character.charCount(text.codePointAt(i)) == 1) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /** Whether no pattern can take a character for white space. */
  private static boolean visible(char c) {
    return switch (Character.getType(c)) {
      case Character.SPACE_SEPARATOR,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.CONTROL,
          Character.FORMAT,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }

  /** Whether a tokenizer is one for which the cuts are right. */
  static boolean suit(TokenizerParts tokenizer) {
    return tokenizer.isPlainBpe()
        && normalizerSuits(tokenizer.normalizer())
        && wordsSuit(steps(tokenizer.preTokenizer(), "pretokenizers"))
        && steps(tokenizer.postProcessor(), "processors").stream()
            .allMatch(LineCuts::postProcessorSuits)
        && addedTokensSuit(tokenizer.addedTokens());
  }

  private static boolean normalizerSuits(JsonNode normalizer) {
    return absent(normalizer) || type(normalizer).equals("NFC");
  }

  private static boolean wordsSuit(List<JsonNode> steps) {
    if (steps.isEmpty() || !type(steps.get(steps.size() - 1)).equals("ByteLevel")) {
      return false;
    }
    JsonNode bytes = steps.remove(steps.size() - 1);
    boolean words = bytes.path("use_regex").asBoolean(true);
    for (JsonNode step : steps) {
      if (isKnownSplit(step)) {
        words = true;
      } else if (!type(step).equals("Digits")) {
        return false;
      }
    }
    return words && !bytes.path("add_prefix_space").asBoolean(true);
  }

  private static boolean isKnownSplit(JsonNode step) {
    return type(step).equals("Split")
        && PATTERNS.contains(step.path("pattern").path("Regex").asText())
        && step.path("behavior").asText().equals("Isolated")
        && !step.path("invert").asBoolean(true);
  }

  private static boolean postProcessorSuits(JsonNode step) {
    return type(step).equals("ByteLevel")
        || type(step).equals("TemplateProcessing")
            && step.path("single").findValues("Sequence").size() == 1;
  }

  private static boolean addedTokensSuit(JsonNode tokens) {
    for (JsonNode token : tokens) {
      if (token.path("content").asText().indexOf('\n') >= 0
          || token.path("lstrip").asBoolean(true)
          || token.path("rstrip").asBoolean(true)
          || token.path("single_word").asBoolean(true)) {
        return false;
      }
    }
    return true;
  }

  /** The steps of a part of a tokenizer: those of a sequence, or itself, or none. */
  private static List<JsonNode> steps(JsonNode part, String key) {
    List<JsonNode> steps = new ArrayList<>();
    if (type(part).equals("Sequence")) {
      part.path(key).forEach(steps::add);
    } else if (!absent(part)) {
      steps.add(part);
    }
    return steps;
  }

  private static boolean absent(JsonNode part) {
    return part.isMissingNode() || part.isNull();
  }

  private static String type(JsonNode part) {
    return part.path("type").asText();
  }
}
