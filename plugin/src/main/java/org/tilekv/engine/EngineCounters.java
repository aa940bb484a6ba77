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

import java.util.concurrent.atomic.LongAdder;

/** The counters behind {@link EngineStats}: written by any thread, read by any thread. */
final class EngineCounters {
  final LongAdder rowsCompleted = new LongAdder();
  final LongAdder rowsFailed = new LongAdder();
  final LongAdder rowsCancelled = new LongAdder();
  final LongAdder steps = new LongAdder();
  final LongAdder promptTokens = new LongAdder();
  final LongAdder promptTokensComputed = new LongAdder();
  final LongAdder promptTokensReused = new LongAdder();
  final LongAdder outputTokens = new LongAdder();
  final LongAdder preemptions = new LongAdder();
  final LongAdder recomputedTokens = new LongAdder();
  final LongAdder sharedPrefixWaits = new LongAdder();
  final LongAdder prefixLoads = new LongAdder();
  final LongAdder lateLoads = new LongAdder();
  final LongAdder distinctPromptPositions = new LongAdder();
  final LongAdder decodeRows = new LongAdder();
  // Written by the engine's thread alone.
  volatile int runningRows;

  /** The counters now; {@code unfinishedRows} are all that run or wait. */
  EngineStats snapshot(int unfinishedRows) {
    int running = runningRows;
    return new EngineStats(
        rowsCompleted.sum(),
        rowsFailed.sum(),
        rowsCancelled.sum(),
        steps.sum(),
        promptTokens.sum(),
        promptTokensComputed.sum(),
        promptTokensReused.sum(),
        outputTokens.sum(),
        preemptions.sum(),
        recomputedTokens.sum(),
        sharedPrefixWaits.sum(),
        prefixLoads.sum(),
        lateLoads.sum(),
        distinctPromptPositions.sum(),
        decodeRows.sum(),
        Math.max(0, unfinishedRows - running),
        running);
  }
}
