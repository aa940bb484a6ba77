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
package org.tilekv.examples;

/**
 * One executor's counters, as of a moment or over a pass. The first group counts, the second group
 * is as of the end.
 */
record ExecutorNumbers(
    long rows,
    long promptTokens,
    long computedTokens,
    long reusedTokens,
    long outputTokens,
    long distinctPositions,
    long missedTiles,
    long evictedTiles,
    long preemptions,
    long decodeRows,
    long cellBytes,
    long residentTiles,
    long poolPages) {

  static final ExecutorNumbers ZERO = new ExecutorNumbers(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Counts since {@code earlier}; gauges and distinct positions as they are here. */
  ExecutorNumbers since(ExecutorNumbers earlier) {
    return new ExecutorNumbers(
        rows - earlier.rows,
        promptTokens - earlier.promptTokens,
        computedTokens - earlier.computedTokens,
        reusedTokens - earlier.reusedTokens,
        outputTokens - earlier.outputTokens,
        distinctPositions - earlier.distinctPositions,
        missedTiles - earlier.missedTiles,
        evictedTiles - earlier.evictedTiles,
        preemptions - earlier.preemptions,
        decodeRows - earlier.decodeRows,
        cellBytes - earlier.cellBytes,
        residentTiles,
        poolPages);
  }

  ExecutorNumbers plus(ExecutorNumbers other) {
    return new ExecutorNumbers(
        rows + other.rows,
        promptTokens + other.promptTokens,
        computedTokens + other.computedTokens,
        reusedTokens + other.reusedTokens,
        outputTokens + other.outputTokens,
        distinctPositions + other.distinctPositions,
        missedTiles + other.missedTiles,
        evictedTiles + other.evictedTiles,
        preemptions + other.preemptions,
        decodeRows + other.decodeRows,
        cellBytes + other.cellBytes,
        residentTiles + other.residentTiles,
        poolPages + other.poolPages);
  }

  /** Bytes between the members of cells for each token that went through the model. */
  double cellBytesPerToken() {
    return (double) cellBytes / Math.max(1, computedTokens + decodeRows);
  }

  double hitRatePercent() {
    return promptTokens == 0 ? 0 : 100.0 * reusedTokens / promptTokens;
  }
}
