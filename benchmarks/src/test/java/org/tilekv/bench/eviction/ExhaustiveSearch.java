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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The most hits of a small trace with tiles of one token: at every admission, every set of tiles
 * that could be kept is tried.
 */
final class ExhaustiveSearch {

  /** What is given at a row's admission, whatever was kept before. */
  private record Admission(Set<String> path, Set<String> held, int pagesLeft) {}

  private record State(int row, Set<String> kept) {}

  private final List<Admission> admissions = new ArrayList<>();
  private final Map<State, Long> known = new HashMap<>();

  ExhaustiveSearch(RowTrace trace, int pages, int inFlight) {
    new RowWindow(inFlight, new Recorder(pages)).replay(trace);
  }

  long mostHits() {
    return mostHits(new State(0, Set.of()));
  }

  private long mostHits(State state) {
    if (state.row == admissions.size()) {
      return 0;
    }
    Long before = known.get(state);
    if (before != null) {
      return before;
    }
    Admission admission = admissions.get(state.row);
    Set<String> resident = new HashSet<>(state.kept);
    resident.addAll(admission.held);
    long hits = admission.path.stream().takeWhile(resident::contains).count();
    List<String> droppable = new ArrayList<>(resident);
    droppable.removeAll(admission.held);
    droppable.removeAll(admission.path);
    Set<String> taken = new HashSet<>(admission.held);
    taken.addAll(admission.path);
    long most = 0;
    for (int choice = 0; choice < 1 << droppable.size(); choice++) {
      if (Integer.bitCount(choice) <= admission.pagesLeft) {
        Set<String> kept = new HashSet<>(taken);
        for (int i = 0; i < droppable.size(); i++) {
          if ((choice >> i & 1) != 0) {
            kept.add(droppable.get(i));
          }
        }
        most = Math.max(most, mostHits(new State(state.row + 1, kept)));
      }
    }
    known.put(state, hits + most);
    return hits + most;
  }

  /** Finds out what rows in flight hold. */
  private final class Recorder implements TilePool {

    private final int pages;
    private final Set<TraceRow> rows = new LinkedHashSet<>();

    Recorder(int pages) {
      this.pages = pages;
    }

    private static Set<String> path(TraceRow row) {
      Set<String> path = new LinkedHashSet<>();
      for (int to = 1; to < row.prompt().length; to++) {
        path.add(Arrays.toString(Arrays.copyOf(row.prompt(), to)));
      }
      return path;
    }

    @Override
    public boolean admit(TraceRow row) {
      Set<String> held = new HashSet<>();
      int own = row.length() - path(row).size();
      for (TraceRow other : rows) {
        held.addAll(path(other));
        own += other.length() - path(other).size();
      }
      Set<String> all = new HashSet<>(held);
      all.addAll(path(row));
      int left = pages - all.size() - own;
      if (left >= 0) {
        rows.add(row);
        admissions.add(new Admission(path(row), held, left));
      }
      return left >= 0;
    }

    @Override
    public void finish(TraceRow row) {
      rows.remove(row);
    }

    @Override
    public long hitTiles() {
      return 0;
    }

    @Override
    public void close() {}
  }
}
