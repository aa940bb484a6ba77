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
package org.tilekv.engine;

import java.util.ArrayList;
import java.util.List;

/** The rows that hold an open sequence, oldest first, and how their stay ends. */
final class RunningRows {
  private final List<Row> rows = new ArrayList<>();
  private final EngineCounters counters;
  private int slots;
  private boolean roomFreed;

  RunningRows(EngineCounters counters) {
    this.counters = counters;
  }

  /** Oldest first; not to be kept over a change. */
  List<Row> oldestFirst() {
    return rows;
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  /** Page-table rows that the running rows may come to hold. */
  int slots() {
    return slots;
  }

  Row youngest() {
    return rows.get(rows.size() - 1);
  }

  void add(Row row) {
    int at = rows.size();
    while (at > 0 && rows.get(at - 1).order > row.order) {
      at--;
    }
    rows.add(at, row);
    slots += row.slots();
    counters.runningRows = rows.size();
  }

  /** Closes a row's sequence and takes it out, its end still open. */
  void remove(Row row) {
    takeOut(row);
    row.stop();
  }

  /** Takes a row out that will be started again. */
  void setBack(Row row) {
    takeOut(row);
    row.setBack();
  }

  private void takeOut(Row row) {
    if (rows.remove(row)) {
      slots -= row.slots();
      counters.runningRows = rows.size();
    }
  }

  void complete(Row row) {
    GenerationResult result = row.result();
    remove(row);
    roomFreed = true;
    // Counted first: who waits for the row finds it in the numbers.
    counters.rowsCompleted.increment();
    if (!row.future.complete(result)) {
      counters.rowsCompleted.decrement();
      counters.rowsCancelled.increment();
    }
  }

  void fail(Row row, Throwable why) {
    remove(row);
    roomFreed = true;
    counters.rowsFailed.increment();
    if (!row.future.completeExceptionally(why)) {
      counters.rowsFailed.decrement();
      counters.rowsCancelled.increment();
    }
  }

  /** Gives the pages of cancelled rows back. */
  void dropCancelled() {
    for (int i = rows.size() - 1; i >= 0; i--) {
      Row row = rows.get(i);
      if (row.future.isDone()) {
        remove(row);
        roomFreed = true;
        counters.rowsCancelled.increment();
      }
    }
  }

  /** Whether a row has ended since the last call: what did not fit may fit now. */
  boolean takeRoomFreed() {
    boolean freed = roomFreed;
    roomFreed = false;
    return freed;
  }
}
