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
 * An executor lives, and what changed there. Answered by {@link HeartbeatReply} or {@link Refused}.
 *
 * @param executorId Spark's id of the executor
 * @param session from {@link RegisterReply}
 * @param number 1 for the first heartbeat of a session, one more for each further one
 * @param epoch newest epoch that the executor was told
 * @param full whether {@code published} is all that the executor holds, not what came since the
 *     last heartbeat; {@code dropped} is empty then
 * @param stats counters and gauges, totals and not differences, so that a lost heartbeat loses none
 * @param published tiles named for reuse since the last heartbeat, at most {@link TileNames#MAX}
 * @param dropped tiles evicted since then
 */
public record Heartbeat(
    String executorId,
    long session,
    long number,
    long epoch,
    boolean full,
    ExecutorStats stats,
    TileNames published,
    TileNames dropped)
    implements Message {

  public Heartbeat {
    Fields.requireName("executorId", executorId);
    Fields.requireNotNegative("session", session);
    if (number < 1) {
      throw new IllegalArgumentException("number is " + number + "; it must be at least 1");
    }
    Fields.requireNotNegative("epoch", epoch);
    if (full && dropped.size() > 0) {
      throw new IllegalArgumentException(
          "a full heartbeat drops " + dropped.size() + " tiles; it must drop none");
    }
  }
}
