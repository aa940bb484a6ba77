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

import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
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
    int unused = 0;
    for (TileGroup group : groups) {
      int expected = users.getOrDefault(group, 0);
      require(
          group.references() == expected,
          "tile " + group.name() + " counts " + group.references() + " users; it has " + expected);
      unused += expected == 0 ? 1 : 0;
      for (int page : group.pages()) {
        require(!store.pool.isFree(page), "page " + page + " is free and in use");
      }
    }
    int heads = store.heads();
    require(
        unused * heads == store.droppablePages(),
        unused * heads + " pages can be dropped; the policy knows " + store.droppablePages());
    require(
        groups.size() * heads + store.pool.freePages() == store.pool.pages(),
        groups.size() * heads
            + " pages are used and "
            + store.pool.freePages()
            + " free of "
            + store.pool.pages());
    require(
        (groups.size() - unused) * heads == store.counters.pinnedPages,
        "pinned pages are "
            + store.counters.pinnedPages
            + "; counted "
            + (groups.size() - unused) * heads);
    checkTable();
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
