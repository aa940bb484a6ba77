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

/**
 * Whether fetching tiles beats computing them, by moving averages of what either took. Before
 * anything was measured both are taken for what slow hardware does. Fetches are measured only while
 * they are made, so with every answer against one what is known of them goes back to that a little:
 * a link that was slow for a while is tried again. Thread-safe.
 */
final class FetchCost {

  static final double FIRST_BYTES_PER_NS = 0.2;
  static final double FIRST_LATENCY_NS = 1e6;
  static final double FIRST_NS_PER_TOKEN = 100_000;

  /** Weight of the newest value. */
  private static final double NEWEST = 0.2;

  private static final double FORGOTTEN_PER_REFUSAL = 1.0 / 64;

  /** A fetch of fewer bytes tells about latency. */
  private static final long LATENCY_BYTES = 256 << 10;

  private double bytesPerNs = FIRST_BYTES_PER_NS;
  private double latencyNs = FIRST_LATENCY_NS;
  private double nsPerToken = FIRST_NS_PER_TOKEN;
  private boolean computed;

  /** Whether it is expected to be faster. */
  synchronized boolean isWorth(long tokens, long bytes) {
    boolean worth = latencyNs + bytes / bytesPerNs < tokens * nsPerToken;
    if (!worth) {
      latencyNs += FORGOTTEN_PER_REFUSAL * (FIRST_LATENCY_NS - latencyNs);
      bytesPerNs += FORGOTTEN_PER_REFUSAL * (FIRST_BYTES_PER_NS - bytesPerNs);
    }
    return worth;
  }

  /** A fetch took so long. */
  synchronized void fetched(long bytes, long ns) {
    if (bytes < LATENCY_BYTES) {
      latencyNs += NEWEST * (ns - latencyNs);
    } else {
      double transferNs = Math.max(1, ns - Math.min(latencyNs, ns / 2.0));
      bytesPerNs += NEWEST * (bytes / transferNs - bytesPerNs);
    }
  }

  /** So many tokens of prompts were computed in a time. */
  synchronized void computed(long tokens, long ns) {
    double each = (double) ns / Math.max(1, tokens);
    nsPerToken += (computed ? NEWEST : 1) * (each - nsPerToken);
    computed = true;
  }
}
