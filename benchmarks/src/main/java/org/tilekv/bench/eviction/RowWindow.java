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
package org.tilekv.bench.eviction;

import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * Admits the rows of a trace in order, so many at once. Where the window is full or the next row
 * has no room, the row in flight whose life is over first ends. So which rows are in flight
 * together does not depend on what is evicted.
 */
final class RowWindow {

  private record InFlight(TraceRow row, long end) {}

  private final int rowsInFlight;
  private final TilePool pool;
  private final PriorityQueue<InFlight> inFlight =
      new PriorityQueue<>(Comparator.comparingLong(InFlight::end));
  private int mostInFlight;

  RowWindow(int rowsInFlight, TilePool pool) {
    this.rowsInFlight = rowsInFlight;
    this.pool = pool;
  }

  /** Replays a trace; returns the most rows that were in flight. */
  int replay(RowTrace trace) {
    long admitted = 0;
    for (TraceRow row : trace.rows()) {
      while (inFlight.size() >= rowsInFlight) {
        finishFirst();
      }
      while (!pool.admit(row)) {
        finishFirst();
      }
      // Distinct ends, so that the order does not depend on the queue.
      inFlight.add(new InFlight(row, (admitted + row.life()) * trace.rows().size() + admitted));
      admitted++;
      mostInFlight = Math.max(mostInFlight, inFlight.size());
    }
    while (!inFlight.isEmpty()) {
      finishFirst();
    }
    return mostInFlight;
  }

  private void finishFirst() {
    InFlight first = inFlight.poll();
    if (first == null) {
      throw new IllegalStateException("a row does not fit although no other is in flight");
    }
    pool.finish(first.row());
  }
}
