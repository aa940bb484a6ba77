package org.tilekv.examples;

/**
 * One executor's counters, as of a moment or over a pass. The first group counts, the second group is as of the end.
 */
record ExecutorNumbers(
    long rows,
    long promptTokens,
    long computedTokens,
    long reusedTokens,
    long outputTokens,
    long distinctPositions,
    long evictedTiles,
    long preemptions,
    long residentTiles,
    long poolPages) {

  static final ExecutorNumbers ZERO = new ExecutorNumbers(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Counts since {@code earlier}; gauges and distinct positions as they are here. */
  ExecutorNumbers since(ExecutorNumbers earlier) {
    return new ExecutorNumbers(
        rows - earlier.rows,
        promptTokens - earlier.promptTokens,
        computedTokens - earlier.computedTokens,
        reusedTokens - earlier.reusedTokens,
        outputTokens - earlier.outputTokens,
        distinctPositions - earlier.distinctPositions,
        evictedTiles - earlier.evictedTiles,
        preemptions - earlier.preemptions,
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
        evictedTiles + other.evictedTiles,
        preemptions + other.preemptions,
        residentTiles + other.residentTiles,
        poolPages + other.poolPages);
  }

  double hitRatePercent() {
    return promptTokens == 0 ? 0 : 100.0 * reusedTokens / promptTokens;
  }
}
