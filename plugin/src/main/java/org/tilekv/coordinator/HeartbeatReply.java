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
 * The heartbeat was taken.
 *
 * @param epoch current epoch of the shard map
 * @param resync whether the next heartbeat must be a full one
 * @param leaving whether the cluster manager is about to take the executor away: its shards are
 *     others' by now, its tiles may be handed on
 */
public record HeartbeatReply(long epoch, boolean resync, boolean leaving) implements Message {

  /** To an executor that stays. */
  public HeartbeatReply(long epoch, boolean resync) {
    this(epoch, resync, false);
  }

  public HeartbeatReply {
    Fields.requireNotNegative("epoch", epoch);
  }
}
