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
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A {@code tokenizer.json} to be changed: that of the example model, with merges besides that join
 * line feeds and white space to whatever is next to them, so that a word which is cut shows.
 */
final class TokenizerFile {

  static final String LLAMA_3 =
      split(
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
              + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
  static final String QWEN = LLAMA_3.replace("{1,3}", "");
  static final String DIGITS = "{'type': 'Digits', 'individual_digits': false}";
  static final String BYTES =
      "{'type': 'ByteLevel', 'add_prefix_space': false, 'trim_offsets': true, 'use_regex': false}";
  static final String WORDS_AND_BYTES = BYTES.replace("'use_regex': false", "'use_regex': true");

  /**
   * Line feed, space, carriage return and tab as bytes are written, and what may be beside them.
   */
  private static final String JOINED = "ĊĠčĉa1.'<";

  private final ObjectNode json;

  TokenizerFile() throws IOException {
    json =
        (ObjectNode)
            JsonFiles.MAPPER.readTree(
                Path.of("../examples/data/records-6m/tokenizer.json").toFile());
    ObjectNode vocabulary = (ObjectNode) json.path("model").path("vocab");
    ArrayNode merges = (ArrayNode) json.path("model").path("merges");
    for (char a : JOINED.toCharArray()) {
      for (char b : JOINED.toCharArray()) {
        if (!vocabulary.has("" + a + b)) {
          vocabulary.put("" + a + b, vocabulary.size());
          merges.addArray().add("" + a).add("" + b);
        }
      }
    }
  }

  private static String split(String pattern) {
    return "{'type': 'Split', 'pattern': {'Regex': '"
        + pattern.replace("\\", "\\\\").replace("'", "\\u0027")
        + "'}, 'behavior': 'Isolated', 'invert': false}";
  }

  static String sequence(String key, String... steps) {
    return "{'type': 'Sequence', '" + key + "': [" + String.join(", ", steps) + "]}";
  }

  static String words(String... steps) {
    return sequence("pretokenizers", steps);
  }

  /** Puts a value, in JSON with single quotes, in the place of one of the file's parts. */
  TokenizerFile with(String key, String value) throws IOException {
    json.set(key, read(value));
    return this;
  }

  TokenizerFile model(String key, String value) throws IOException {
    ((ObjectNode) json.path("model")).set(key, read(value));
    return this;
  }

  TokenizerFile addedToken(String key, String value) throws IOException {
    ((ObjectNode) json.path("added_tokens").path(1)).set(key, read(value));
    return this;
  }

  private static JsonNode read(String value) throws IOException {
    return JsonFiles.MAPPER.readTree(value.replace('\'', '"'));
  }

  String json() {
    return json.toString();
  }
}
