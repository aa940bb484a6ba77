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
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.TileGroup;

/**
 * Makes room for the next positions of a sequence's beams, all of them or none; under the cache's
 * lock.
 */
final class Reservation {

  private final TileStore store;
  private final List<BeamState> beams;
  private final int tileTokens;

  Reservation(TileStore store, List<BeamState> beams, int tileTokens) {
    this.store = store;
    this.beams = beams;
    this.tileTokens = tileTokens;
  }

  /**
   * Appends new groups and replaces shared tails. Sources of the copies are retained once more; the
   * caller copies outside the lock and releases them.
   *
   * @return the copies to make, or null and nothing changed where the pool has no room
   */
  @Nullable List<PageCopy> make(int newLength) {
    List<BeamState> copiers = beamsToCopy(newLength);
    int tiles = (newLength + tileTokens - 1) / tileTokens;
    int missing = copiers.size();
    for (BeamState beam : beams) {
      missing += Math.max(0, tiles - beam.groups.size());
    }
    List<TileGroup> groups = store.allocate(missing);
    if (groups == null) {
      return null;
    }
    Iterator<TileGroup> next = groups.iterator();
    List<PageCopy> copies = new ArrayList<>(copiers.size());
    for (BeamState beam : copiers) {
      copies.add(replaceTail(beam, next.next()));
    }
    for (BeamState beam : beams) {
      while (beam.groups.size() < tiles) {
        store.append(beam, next.next());
      }
    }
    return copies;
  }

  /**
   * Beams whose next position falls into a group that others use: all of them but the last user.
   */
  private List<BeamState> beamsToCopy(int newLength) {
    List<BeamState> copiers = new ArrayList<>();
    Map<TileGroup, Integer> users = new IdentityHashMap<>();
    for (BeamState beam : beams) {
      int tile = beam.length / tileTokens;
      if (beam.length >= newLength || tile >= beam.groups.size()) {
        continue;
      }
      TileGroup tail = beam.groups.get(tile);
      int left = users.getOrDefault(tail, tail.references());
      if (left > 1 || tail.named()) {
        copiers.add(beam);
        users.put(tail, left - 1);
      }
    }
    return copiers;
  }

  private PageCopy replaceTail(BeamState beam, TileGroup copy) {
    int tile = beam.length / tileTokens;
    TileGroup shared = beam.groups.get(tile);
    store.retain(shared);
    store.replace(beam, tile, copy);
    return new PageCopy(shared, copy, beam.length % tileTokens);
  }
}
