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
package org.tilekv.spark;

import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;

/**
 * How executors deal with each other.
 *
 * @param executorId Spark's id of this executor
 * @param maxInFlightBytes fetched, and served, at the same time
 * @param minTokens fewest tokens that others are asked for
 * @param timeoutMs longest wait for an answer
 * @param handoverMs longest time to hand tiles over, 0 for none
 * @param handoverBytes most bytes to hand over
 */
record PeerOptions(
    String executorId,
    long maxInFlightBytes,
    int minTokens,
    long timeoutMs,
    long handoverMs,
    long handoverBytes) {

  static PeerOptions of(String executorId, TileKvConfig config) {
    return new PeerOptions(
        executorId,
        config.get(Settings.PEER_MAX_IN_FLIGHT_BYTES),
        config.get(Settings.PEER_MIN_TOKENS),
        config.get(Settings.PEER_TIMEOUT_MS),
        config.get(Settings.HANDOVER_MS),
        config.get(Settings.HANDOVER_BYTES));
  }
}
