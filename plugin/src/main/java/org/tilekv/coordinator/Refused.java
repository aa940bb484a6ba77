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
 * The message was not taken.
 *
 * @param reason why
 * @param epoch current epoch of the shard map
 * @param detail what was found and what is expected; cut off after {@link Fields#MAX_TEXT_CHARS}
 */
public record Refused(Reason reason, long epoch, String detail) implements Message {

  /** Why a message was not taken. The order is part of the wire format: append only. */
  public enum Reason {
    /** Not a message, or a damaged one. */
    MALFORMED,
    /** A message that the driver does not take, as a reply. */
    UNEXPECTED,
    /** The executor never registered: it should. */
    UNKNOWN_EXECUTOR,
    /** Of an earlier registration of this executor. */
    STALE_SESSION,
    /** The executor was silent for too long and lost its shards: it may register again. */
    EXPIRED,
    /** The cluster manager took the executor away: nothing of it is taken any more. */
    REMOVED,
    /** A heartbeat with the number of the last one. */
    DUPLICATE,
    /** A heartbeat with a number before the last one's. */
    OUT_OF_ORDER,
    /** Written under an epoch older than the one this executor was known to have. */
    STALE_EPOCH,
    /** Written under an epoch that does not exist yet. */
    FUTURE_EPOCH,
    /** A message of another version of this protocol. */
    UNKNOWN_VERSION,
    /** Longer than any message may be; it was not looked at. */
    TOO_LARGE
  }

  public Refused {
    Fields.requireNotNegative("epoch", epoch);
    detail = Fields.limit(detail);
  }
}
