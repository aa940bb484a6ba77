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

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

/**
 * What a {@code tokenizer.json} says of the steps of its tokenizer; the vocabulary is passed over.
 * A part that is not there is a missing node.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record TokenizerParts(
    JsonNode normalizer,
    @JsonProperty("pre_tokenizer") JsonNode preTokenizer,
    @JsonProperty("post_processor") JsonNode postProcessor,
    @JsonProperty("added_tokens") JsonNode addedTokens,
    Model model) {

  @JsonIgnoreProperties(ignoreUnknown = true)
  record Model(JsonNode type, JsonNode dropout) {}

  TokenizerParts {
    normalizer = orMissing(normalizer);
    preTokenizer = orMissing(preTokenizer);
    postProcessor = orMissing(postProcessor);
    addedTokens = orMissing(addedTokens);
  }

  /**
   * @param json content of the file
   * @throws JsonProcessingException where it cannot be read as one
   */
  static TokenizerParts parse(String json) throws JsonProcessingException {
    return JsonFiles.MAPPER.readValue(json, TokenizerParts.class);
  }

  /** Whether words are encoded by byte-pair merges, always the same ones. */
  boolean isPlainBpe() {
    return model != null
        && orMissing(model.type).asText().equals("BPE")
        && orMissing(model.dropout).asDouble(0) == 0;
  }

  private static JsonNode orMissing(JsonNode node) {
    return node == null ? MissingNode.getInstance() : node;
  }
}
