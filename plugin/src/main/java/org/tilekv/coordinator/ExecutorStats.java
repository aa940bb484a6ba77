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
package org.tilekv.coordinator;

/**
 * Counters of one executor since it started, summed over its models, and gauges of now. The last
 * five are the gauges.
 *
 * @param rows rows that got a result
 * @param failedRows rows that failed
 * @param promptTokens prompt tokens of admitted rows
 * @param computedTokens prompt tokens that went through the model
 * @param reusedTokens prompt tokens taken from the cache instead
 * @param outputTokens generated tokens
 * @param steps forward steps
 * @param decodeRows decode rows of all steps, for the mean batch size
 * @param hitTiles tiles shared when rows were admitted
 * @param missedTiles full prompt tiles not found
 * @param evictedTiles resident tiles dropped for room
 * @param preemptions rows set back because the pool was full
 * @param distinctPositions distinct (prefix, token) positions of all prompts, 0 when not counted
 * @param cellBytes bytes sent to other members of cells
 * @param fetchedTiles tiles that came from other executors when they were asked for
 * @param fetchedBytes bytes of those
 * @param receivedTiles tiles that executors handed over when they left
 * @param peerFailures times that tiles could not be had from another executor, or were not taken
 * @param savedTiles tiles that lower tiers took when they left a pool
 * @param loadedTiles tiles that came back from lower tiers
 * @param failedLoads tiles that a lower tier held and did not give back intact
 * @param unsavedTiles tiles dropped because too many were on their way to a lower tier
 * @param pages pages of the pools
 * @param residentTiles pages that hold a named tile that no row uses
 * @param freePages pages that hold nothing
 * @param waitingRows rows that wait for room or for a place in the batch
 * @param runningRows rows that take part in forward steps
 */
public record ExecutorStats(
    long rows,
    long failedRows,
    long promptTokens,
    long computedTokens,
    long reusedTokens,
    long outputTokens,
    long steps,
    long decodeRows,
    long hitTiles,
    long missedTiles,
    long evictedTiles,
    long preemptions,
    long distinctPositions,
    long cellBytes,
    long fetchedTiles,
    long fetchedBytes,
    long receivedTiles,
    long peerFailures,
    long savedTiles,
    long loadedTiles,
    long failedLoads,
    long unsavedTiles,
    long pages,
    long residentTiles,
    long freePages,
    long waitingRows,
    long runningRows) {

  /** Numbers of a record, for the wire. */
  static final int FIELDS = 27;

  private static final int GAUGES = 5;

  public static final ExecutorStats ZERO = of(new long[FIELDS]);

  /** In the order of the record's components. */
  long[] toArray() {
    return new long[] {
      rows,
      failedRows,
      promptTokens,
      computedTokens,
      reusedTokens,
      outputTokens,
      steps,
      decodeRows,
      hitTiles,
      missedTiles,
      evictedTiles,
      preemptions,
      distinctPositions,
      cellBytes,
      fetchedTiles,
      fetchedBytes,
      receivedTiles,
      peerFailures,
      savedTiles,
      loadedTiles,
      failedLoads,
      unsavedTiles,
      pages,
      residentTiles,
      freePages,
      waitingRows,
      runningRows
    };
  }

  /** Reads {@link #toArray}. */
  static ExecutorStats of(long[] v) {
    return new ExecutorStats(
        v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13],
        v[14], v[15], v[16], v[17], v[18], v[19], v[20], v[21], v[22], v[23], v[24], v[25], v[26]);
  }

  /** What an executor has of others, and nothing else. */
  public static ExecutorStats ofPeers(
      long fetchedTiles, long fetchedBytes, long receivedTiles, long peerFailures) {
    return new ExecutorStats(
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        fetchedTiles,
        fetchedBytes,
        receivedTiles,
        peerFailures,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0);
  }

  /** Rows that are not done yet. */
  public long queuedRows() {
    return waitingRows + runningRows;
  }

  /** Sum, field by field. */
  public ExecutorStats plus(ExecutorStats other) {
    long[] sum = toArray();
    other.addTo(sum);
    return of(sum);
  }

  /** Adds each number to the one at its place. */
  void addTo(long[] sum) {
    long[] numbers = toArray();
    for (int i = 0; i < FIELDS; i++) {
      sum[i] += numbers[i];
    }
  }

  /** The counters alone: what stays true of an executor that is gone. */
  ExecutorStats withoutGauges() {
    long[] counters = toArray();
    for (int i = FIELDS - GAUGES; i < FIELDS; i++) {
      counters[i] = 0;
    }
    return of(counters);
  }
}
