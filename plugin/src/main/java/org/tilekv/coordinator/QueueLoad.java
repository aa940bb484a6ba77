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
 * What one executor has to do, in tokens: what was placed there and is not done, or what waits
 * there by its own account, whichever is more. Guarded by the coordinator's lock.
 */
final class QueueLoad {

  /** What was placed is forgotten when the executor has been idle for so long since. */
  static final long IDLE_MS = 30_000;

  private long placedTokens;
  private long lastPlacedMs;
  private ExecutorStats latest = ExecutorStats.ZERO;

  void placed(long tokens, long nowMs) {
    placedTokens += tokens;
    lastPlacedMs = nowMs;
  }

  /** Takes new numbers of the executor: what it has computed since is done. */
  void reported(ExecutorStats stats, long nowMs) {
    long done = Math.max(0, tokensDone(stats) - tokensDone(latest));
    placedTokens = Math.max(0, placedTokens - done);
    if (stats.queuedRows() == 0 && nowMs - lastPlacedMs >= IDLE_MS) {
      placedTokens = 0;
    }
    latest = stats;
  }

  long tokens() {
    return Math.max(placedTokens, latest.queuedRows() * meanRowTokens());
  }

  private static long tokensDone(ExecutorStats stats) {
    return stats.computedTokens() + stats.outputTokens();
  }

  /** As far as it is known; the first rows count as one token each. */
  private long meanRowTokens() {
    return latest.rows() == 0 ? 1 : Math.max(1, tokensDone(latest) / latest.rows());
  }
}
