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

/**
 * What came of one row.
 *
 * @param sequences best first: one, or as many as beams
 * @param promptTokens tokens of the prompt
 * @param reusedTokens prompt tokens whose KV came from the cache when the row was first admitted
 * @param firstTokenNanos time from submission until the first token was there
 */
public record GenerationResult(
    List<Sequence> sequences, int promptTokens, int reusedTokens, long firstTokenNanos) {

  /** Why a sequence ended. */
  public enum FinishReason {
    EOS,
    STOP_STRING,
    LENGTH
  }

  /**
   * One generated continuation.
   *
   * @param tokens generated ids, with the EOS id where that ended it
   * @param textTokens leading ids that belong to the text: without EOS; with a stop string the text
   *     has to be cut at the string as well
   * @param score beam search: sum of log-probabilities over length^penalty; else 0
   * @param reason why it ended
   */
  public record Sequence(int[] tokens, int textTokens, double score, FinishReason reason) {}

  /** The best sequence. */
  public Sequence best() {
    return sequences.get(0);
  }
}
