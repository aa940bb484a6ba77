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

import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.tilekv.coordinator.Peer;

/**
 * Says whether another executor may be asked now: not with too much on its way, and not for a while
 * after it failed. Never waits. Thread-safe.
 */
final class PeerGate {

  /** Requests to one executor at the same time. */
  static final int REQUESTS_PER_PEER = 2;

  static final long FIRST_BACK_OFF_NS = 1_000_000_000L;
  static final long LONGEST_BACK_OFF_NS = 64 * FIRST_BACK_OFF_NS;

  /** Executors remembered; of too many, those that nothing is known of are forgotten. */
  private static final int MAX_PEERS = 1024;

  private final long maxBytes;
  private final LongSupplier nanoClock;
  private final Map<Peer, State> peers = new HashMap<>();
  private long bytesOnTheWay;

  private static final class State {
    int requests;
    long backOffNs;
    long leftAloneUntilNs;
  }

  PeerGate(long maxBytes, LongSupplier nanoClock) {
    this.maxBytes = maxBytes;
    this.nanoClock = nanoClock;
  }

  /**
   * Takes the right to ask for so many bytes; {@link #leave} gives it back. One request alone may
   * be larger than the limit.
   */
  synchronized boolean enter(Peer peer, long bytes) {
    State state = peers.computeIfAbsent(peer, key -> new State());
    boolean leftAlone = state.backOffNs > 0 && nanoClock.getAsLong() - state.leftAloneUntilNs < 0;
    if (leftAlone
        || state.requests == REQUESTS_PER_PEER
        || (bytesOnTheWay > 0 && bytesOnTheWay + bytes > maxBytes)) {
      return false;
    }
    state.requests++;
    bytesOnTheWay += bytes;
    return true;
  }

  /** Ends a request; each failure in a row doubles the time until the next one. */
  synchronized void leave(Peer peer, long bytes, boolean failed) {
    State state = peers.computeIfAbsent(peer, key -> new State());
    state.requests--;
    bytesOnTheWay -= bytes;
    if (failed) {
      state.backOffNs =
          Math.min(LONGEST_BACK_OFF_NS, Math.max(FIRST_BACK_OFF_NS, 2 * state.backOffNs));
      state.leftAloneUntilNs = nanoClock.getAsLong() + state.backOffNs;
    } else {
      state.backOffNs = 0;
    }
    if (peers.size() > MAX_PEERS) {
      peers.values().removeIf(known -> known.requests == 0 && known.backOffNs == 0);
    }
  }

  synchronized long bytesOnTheWay() {
    return bytesOnTheWay;
  }
}
