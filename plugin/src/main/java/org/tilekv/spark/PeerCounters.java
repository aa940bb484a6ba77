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

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** What executors did for each other, as this one saw it; totals. Thread-safe. */
final class PeerCounters {

  /** Tiles fetched from others, and their bytes. */
  final LongAdder fetchedTiles = new LongAdder();

  final LongAdder fetchedBytes = new LongAdder();

  /** Tiles sent to others that asked. */
  final LongAdder servedTiles = new LongAdder();

  final LongAdder servedBytes = new LongAdder();

  /** Tiles of executors that left, which they handed over to this one. */
  final LongAdder receivedTiles = new LongAdder();

  /** Tiles that this one handed over when it left. */
  final LongAdder handedTiles = new LongAdder();

  final LongAdder handedBytes = new LongAdder();

  /** Loads that were not made because computing was expected to be faster. */
  final LongAdder notWorthIt = new LongAdder();

  private final AtomicLongArray failures = new AtomicLongArray(PeerFailure.values().length);

  void failed(PeerFailure why) {
    failures.incrementAndGet(why.ordinal());
  }

  long failures(PeerFailure why) {
    return failures.get(why.ordinal());
  }

  long allFailures() {
    long sum = 0;
    for (PeerFailure why : PeerFailure.values()) {
      sum += failures(why);
    }
    return sum;
  }

  /** All numbers, for the log. */
  @Override
  public String toString() {
    Map<PeerFailure, Long> failed = new EnumMap<>(PeerFailure.class);
    for (PeerFailure why : PeerFailure.values()) {
      failed.put(why, failures(why));
    }
    failed.values().removeIf(count -> count == 0);
    return "fetched "
        + fetchedTiles
        + " tiles ("
        + fetchedBytes
        + " bytes), served "
        + servedTiles
        + " ("
        + servedBytes
        + "), received "
        + receivedTiles
        + " of leaving executors, handed over "
        + handedTiles
        + " ("
        + handedBytes
        + "), not worth it "
        + notWorthIt
        + ", failures "
        + failed;
  }
}
