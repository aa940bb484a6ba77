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

import java.util.Optional;

/**
 * Where a work item should run, and why. A hint: the result is the same anywhere.
 *
 * @param executor empty where there is none at all
 * @param reason why there
 * @param tokensSaved tokens that need not be computed there
 * @param mostTokensSaved tokens that need not be computed where most of the prefix is resident
 * @param queueTokens tokens that were to be computed there already
 * @param leastQueueTokens tokens that were to be computed where least was to do
 */
public record Placement(
    Optional<Member> executor,
    PlacementReason reason,
    long tokensSaved,
    long mostTokensSaved,
    long queueTokens,
    long leastQueueTokens) {

  /** The decision in words, for logs. */
  public String explain() {
    String where = executor.map(e -> "executor " + e.executorId()).orElse("no executor");
    return switch (reason) {
      case RESIDENT ->
          where + ": it holds " + tokensSaved + " tokens of the prefix; " + queueTokens + " wait";
      case MOVED_FOR_LOAD ->
          "%s: it saves %d tokens of the prefix instead of %d elsewhere, but only %d wait there"
              .formatted(where, tokensSaved, mostTokensSaved, queueTokens);
      case NEW ->
          "%s: nobody holds the prefix; %d tokens wait there, %d where least is to do"
              .formatted(where, queueTokens, leastQueueTokens);
      case DEGRADED -> where + ": by the shard map, since heartbeats are missing or too old";
    };
  }
}
