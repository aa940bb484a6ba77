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
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One row to generate for.
 *
 * @param owner Spark task attempt id (or any number): {@link InferenceEngine#cancelOwner} releases
 *     its rows
 * @param rowKey identity of the row for sampling: the same on a retry
 * @param prompt token ids
 * @param maxNewTokens most tokens to generate
 * @param eosTokens ids that end the answer; the id itself is part of {@link
 *     GenerationResult#tokens}
 * @param stopStrings texts that end the answer; cut off from the text
 * @param sampling ignored with several beams
 * @param beams 1 for sampling or greedy, more for beam search
 * @param lengthPenalty beam search: scores are divided by length to this power
 * @param earlyStopping beam search: stop as soon as there are {@code beams} finished candidates
 * @param salt tenant salt or null
 */
public record GenerationRequest(
    long owner,
    long rowKey,
    int[] prompt,
    int maxNewTokens,
    Set<Integer> eosTokens,
    List<String> stopStrings,
    SamplingParams sampling,
    int beams,
    double lengthPenalty,
    boolean earlyStopping,
    @Nullable String salt) {

  public GenerationRequest {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("prompt has no tokens; at least one is needed");
    }
    if (maxNewTokens < 1) {
      throw new IllegalArgumentException(
          "maxNewTokens is " + maxNewTokens + "; it must be at least 1");
    }
    if (beams < 1) {
      throw new IllegalArgumentException("beams is " + beams + "; it must be at least 1");
    }
    eosTokens = Set.copyOf(eosTokens);
    stopStrings = List.copyOf(stopStrings);
  }

  /** Greedy generation without stop strings. */
  public static GenerationRequest greedy(
      long owner, long rowKey, int[] prompt, int maxNewTokens, Set<Integer> eosTokens) {
    return new GenerationRequest(
        owner,
        rowKey,
        prompt,
        maxNewTokens,
        eosTokens,
        List.of(),
        SamplingParams.GREEDY,
        1,
        1.0,
        false,
        null);
  }

  /** This request under a salt of the engine's, unless it brings its own. */
  GenerationRequest withDefaultSalt(@Nullable String defaultSalt) {
    if (salt != null || defaultSalt == null) {
      return this;
    }
    return new GenerationRequest(
        owner,
        rowKey,
        prompt,
        maxNewTokens,
        eosTokens,
        stopStrings,
        sampling,
        beams,
        lengthPenalty,
        earlyStopping,
        defaultSalt);
  }
}
