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
package org.tilekv.cache;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether to load tiles or to compute them: bytes over the measured bandwidth of reads against
 * tokens over the measured speed of prefill. Both are moving averages; what has not been measured
 * yet speaks for loading. Reads are measured only while tiles are loaded, so with every answer
 * against it their time goes back to its first estimate a little: a disk that was slow for a while
 * is tried again. Thread-safe.
 */
final class LoadCost {

  private static final Logger LOG = LoggerFactory.getLogger(LoadCost.class);
  private static final double WEIGHT = 0.125;
  private static final double FORGOTTEN_PER_REFUSAL = 1.0 / 64;
  // Waking the loader and the engine.
  private static final double OVERHEAD_NS = 200_000;

  private final int groupBytes;
  private final int tileTokens;
  private final double firstNsPerByte;
  // Guarded by this; 0 where nothing was measured.
  private double nsPerByte;
  private double nsPerToken;

  /**
   * @param nsPerByte first estimate of a read, 0 where there is none
   */
  LoadCost(int groupBytes, int tileTokens, double nsPerByte) {
    this.groupBytes = groupBytes;
    this.tileTokens = tileTokens;
    this.firstNsPerByte = nsPerByte;
    this.nsPerByte = nsPerByte;
  }

  /** A read took so long. */
  synchronized void read(long bytes, long nanos) {
    nsPerByte = average(nsPerByte, (double) nanos / bytes);
  }

  /** A step that mostly computed prompts took so long. */
  void computed(int tokens, long nanos) {
    boolean first;
    synchronized (this) {
      first = nsPerToken == 0;
      nsPerToken = average(nsPerToken, (double) nanos / tokens);
    }
    if (first) {
      LOG.info("tiles below the pool: {}", this);
    }
  }

  private static double average(double before, double sample) {
    return before == 0 ? sample : before + WEIGHT * (sample - before);
  }

  /**
   * Whether so many tiles come sooner by a load.
   *
   * @param tilesAhead tiles that other loads read first
   */
  synchronized boolean loadIsCheaper(int tiles, int tilesAhead) {
    double load = OVERHEAD_NS + nsPerByte * groupBytes * ((double) tiles + tilesAhead);
    boolean cheaper = nsPerToken == 0 || load < nsPerToken * tileTokens * tiles;
    if (!cheaper) {
      nsPerByte += FORGOTTEN_PER_REFUSAL * (firstNsPerByte - nsPerByte);
    }
    return cheaper;
  }

  @Override
  public synchronized String toString() {
    return String.format(
        "reads %.0f MB/s, prefill %.0f tokens/s, so a tile is read in %.0f us and computed in %.0f"
            + " us",
        1e3 / Math.max(1e-9, nsPerByte),
        1e9 / Math.max(1e-9, nsPerToken),
        nsPerByte * groupBytes / 1e3,
        nsPerToken * tileTokens / 1e3);
  }
}
