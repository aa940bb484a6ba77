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

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tilekv.prefix.TileGroup;

/**
 * Recounts a cache's bookkeeping from its parts; under the cache's lock, while no copy is under
 * way.
 */
final class CacheIntegrity {

  private final TileStore store;
  private final Collection<TileSequence> open;
  private final BitSet held = new BitSet();

  CacheIntegrity(TileStore store, Collection<TileSequence> open) {
    this.store = store;
    this.open = open;
  }

  void check() {
    store.pool.checkIntegrity();
    store.index.checkIntegrity();
    Map<TileGroup, Integer> users = users();
    Set<TileGroup> groups = Collections.newSetFromMap(new IdentityHashMap<>());
    groups.addAll(users.keySet());
    store.index.forEach(groups::add);
    List<TileGroup> unused = new ArrayList<>();
    for (TileGroup group : groups) {
      int expected = users.getOrDefault(group, 0);
      require(
          group.references() == expected,
          "tile " + group.name() + " counts " + group.references() + " users; it has " + expected);
      if (expected == 0) {
        unused.add(group);
      }
      checkPages(group);
      checkParent(group);
    }
    int heads = store.heads();
    require(
        unused.size() * heads == store.droppablePages(),
        unused.size() * heads
            + " pages can be dropped; the policy knows "
            + store.droppablePages());
    require(
        groups.size() * heads + store.pool.freePages() == store.pool.pages(),
        groups.size() * heads
            + " pages are used and "
            + store.pool.freePages()
            + " free of "
            + store.pool.pages());
    require(
        (groups.size() - unused.size()) * heads == store.counters.pinnedPages,
        "pinned pages are "
            + store.counters.pinnedPages
            + "; counted "
            + (groups.size() - unused.size()) * heads);
    store.policy().checkIntegrity(unused);
    checkTable();
  }

  private void checkPages(TileGroup group) {
    for (int page : group.pages()) {
      require(!store.pool.isFree(page), "page " + page + " is free and in use");
      require(!held.get(page), "page " + page + " belongs to two tiles");
      held.set(page);
    }
  }

  /** Who uses a tile uses all that it continues, so that what nobody uses can be dropped. */
  private static void checkParent(TileGroup group) {
    TileGroup parent = group.parent();
    require(
        group.references() == 0 || parent == null || !parent.named() || parent.references() > 0,
        "tile " + group.name() + " is in use; the one that it continues is not");
  }

  private Map<TileGroup, Integer> users() {
    Map<TileGroup, Integer> users = new IdentityHashMap<>();
    for (TileSequence sequence : open) {
      for (BeamState beam : sequence.beamStates()) {
        beam.groups.forEach(group -> users.merge(group, 1, Integer::sum));
      }
    }
    return users;
  }

  private void checkTable() {
    int rows = open.stream().mapToInt(sequence -> sequence.beamStates().size()).sum();
    require(
        rows + store.freeRows() == store.table.rows(),
        rows + " rows are used and " + store.freeRows() + " free of " + store.table.rows());
    int entries = 0;
    for (int entry : store.table.entries()) {
      entries += entry >= 0 ? 1 : 0;
    }
    require(
        entries == store.counters.tableReferences,
        "the table has " + entries + " entries; counted " + store.counters.tableReferences);
    for (TileSequence sequence : open) {
      for (BeamState beam : sequence.beamStates()) {
        for (int tile = 0; tile < beam.groups.size(); tile++) {
          checkEntry(beam, tile);
        }
      }
    }
  }

  private void checkEntry(BeamState beam, int tile) {
    for (int head = 0; head < store.heads(); head++) {
      int page = beam.groups.get(tile).pages()[head];
      int entry = store.table.lookup(beam.row, head, tile);
      require(
          entry == page,
          "row "
              + beam.row
              + ", head "
              + head
              + ", tile "
              + tile
              + " points to page "
              + entry
              + "; it should be "
              + page);
    }
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalStateException(message);
    }
  }
}
