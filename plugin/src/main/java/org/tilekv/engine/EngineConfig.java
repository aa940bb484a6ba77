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

import org.tilekv.EvictionOrder;

/**
 * Limits of one engine.
 *
 * @param maxBatchRows page-table rows (beams) that run at once
 * @param maxStepTokens tokens of one forward step, decode rows and prefill chunks together
 * @param prefillChunkTokens most tokens of one row's prompt in a step
 * @param sharedPrefixWaitMs longest wait for a prefix that another row is computing while no tile
 *     of it comes; 0 never waits
 * @param loadWaitMs longest wait for tiles that are being loaded from elsewhere; 0 loads none
 * @param prefixReuse whether prefixes are matched and published
 * @param countDistinctPositions whether to count distinct (prefix, token) positions of all prompts;
 *     costs memory per distinct position
 * @param eviction in which order a full cache drops tiles that no row uses
 */
public record EngineConfig(
    int maxBatchRows,
    int maxStepTokens,
    int prefillChunkTokens,
    long sharedPrefixWaitMs,
    long loadWaitMs,
    boolean prefixReuse,
    boolean countDistinctPositions,
    EvictionOrder eviction) {

  private static final long LOAD_WAIT_MS = 5000;

  public EngineConfig {
    requireAtLeastOne("maxBatchRows", maxBatchRows);
    requireAtLeastOne("maxStepTokens", maxStepTokens);
    requireAtLeastOne("prefillChunkTokens", prefillChunkTokens);
  }

  /** Evicts by plan, where there is one, and waits for loads as usual. */
  public EngineConfig(
      int maxBatchRows,
      int maxStepTokens,
      int prefillChunkTokens,
      long sharedPrefixWaitMs,
      boolean prefixReuse,
      boolean countDistinctPositions) {
    this(
        maxBatchRows,
        maxStepTokens,
        prefillChunkTokens,
        sharedPrefixWaitMs,
        LOAD_WAIT_MS,
        prefixReuse,
        countDistinctPositions,
        EvictionOrder.PLAN);
  }

  /** The same with another wait for loads. */
  public EngineConfig withLoadWaitMs(long waitMs) {
    return new EngineConfig(
        maxBatchRows,
        maxStepTokens,
        prefillChunkTokens,
        sharedPrefixWaitMs,
        waitMs,
        prefixReuse,
        countDistinctPositions,
        eviction);
  }

  private static void requireAtLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
    }
  }
}
