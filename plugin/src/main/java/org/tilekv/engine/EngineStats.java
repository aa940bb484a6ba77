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

/**
 * Counters of one engine since it started, all monotonic, and its queue as it is now.
 *
 * @param rowsCompleted rows that got a result
 * @param rowsFailed rows that failed
 * @param rowsCancelled rows whose owner went away
 * @param steps forward steps
 * @param promptTokens prompt tokens of admitted rows, each row once
 * @param promptTokensComputed prompt tokens that went through the model, recomputation after
 *     preemption included
 * @param promptTokensReused prompt tokens taken from the cache instead
 * @param outputTokens generated tokens, all beams of beam search counted once per position of the
 *     best beam
 * @param preemptions rows set back because the pool was full
 * @param recomputedTokens tokens computed again after a preemption (part of no other counter but
 *     computed)
 * @param sharedPrefixWaits admissions put off because another row was computing the same prefix
 * @param prefixLoads admissions put off because tiles of the prefix were being loaded
 * @param lateLoads those of them that started before the load had ended, because it took too long
 * @param distinctPromptPositions distinct (prefix, token) positions of all prompts, 0 when not
 *     counted
 * @param decodeRows decode rows of all steps, for the mean batch size
 * @param waitingRows rows submitted that are not in a step now
 * @param runningRows rows that take part in steps now
 */
public record EngineStats(
    long rowsCompleted,
    long rowsFailed,
    long rowsCancelled,
    long steps,
    long promptTokens,
    long promptTokensComputed,
    long promptTokensReused,
    long outputTokens,
    long preemptions,
    long recomputedTokens,
    long sharedPrefixWaits,
    long prefixLoads,
    long lateLoads,
    long distinctPromptPositions,
    long decodeRows,
    int waitingRows,
    int runningRows) {

  static final EngineStats ZERO =
      new EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Sum, number by number. */
  EngineStats plus(EngineStats other) {
    return new EngineStats(
        rowsCompleted + other.rowsCompleted,
        rowsFailed + other.rowsFailed,
        rowsCancelled + other.rowsCancelled,
        steps + other.steps,
        promptTokens + other.promptTokens,
        promptTokensComputed + other.promptTokensComputed,
        promptTokensReused + other.promptTokensReused,
        outputTokens + other.outputTokens,
        preemptions + other.preemptions,
        recomputedTokens + other.recomputedTokens,
        sharedPrefixWaits + other.sharedPrefixWaits,
        prefixLoads + other.prefixLoads,
        lateLoads + other.lateLoads,
        distinctPromptPositions + other.distinctPromptPositions,
        decodeRows + other.decodeRows,
        waitingRows + other.waitingRows,
        runningRows + other.runningRows);
  }
}
