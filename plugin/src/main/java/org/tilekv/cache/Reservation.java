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
  private final List<EvictedTile> evicted = new ArrayList<>();

  Reservation(TileStore store, List<BeamState> beams, int tileTokens) {
    this.store = store;
    this.beams = beams;
    this.tileTokens = tileTokens;
  }

  /**
   * Appends new groups and replaces shared ones. Sources of the copies are retained once more; the
   * caller copies outside the lock and releases them.
   *
   * @return the copies to make, or null and nothing changed where the pool has no room
   */
  @Nullable List<PageCopy> make(int newLength) {
    int tiles = (newLength + tileTokens - 1) / tileTokens;
    List<Shared> shared = sharedTiles(newLength, tiles);
    int missing = shared.size();
    for (BeamState beam : beams) {
      missing += Math.max(0, tiles - beam.groups.size());
    }
    List<TileGroup> groups = store.allocate(missing, evicted);
    if (groups == null) {
      return null;
    }
    Iterator<TileGroup> next = groups.iterator();
    List<PageCopy> copies = new ArrayList<>(shared.size());
    for (Shared tile : shared) {
      replace(tile.beam, tile.tile, next.next(), copies);
    }
    for (BeamState beam : beams) {
      while (beam.groups.size() < tiles) {
        store.append(beam, next.next());
      }
    }
    return copies;
  }

  /** Tiles that made room, to be saved before the copies are made. */
  List<EvictedTile> evicted() {
    return evicted;
  }

  /** A beam's tile that is to be written, and that others use. */
  private record Shared(BeamState beam, int tile) {}

  /** Tiles up to the new length that others use: of all beams that share one, but the last. */
  private List<Shared> sharedTiles(int newLength, int tiles) {
    List<Shared> shared = new ArrayList<>();
    Map<TileGroup, Integer> users = new IdentityHashMap<>();
    for (BeamState beam : beams) {
      if (beam.length >= newLength) {
        continue;
      }
      int end = Math.min(tiles, beam.groups.size());
      for (int tile = beam.length / tileTokens; tile < end; tile++) {
        TileGroup group = beam.groups.get(tile);
        int left = users.getOrDefault(group, group.references());
        users.put(group, left - 1);
        if (left > 1 || group.named()) {
          shared.add(new Shared(beam, tile));
        }
      }
    }
    return shared;
  }

  private void replace(BeamState beam, int tile, TileGroup copy, List<PageCopy> copies) {
    TileGroup shared = beam.groups.get(tile);
    int slots = beam.length - tile * tileTokens;
    if (slots > 0) {
      store.retain(shared);
      copies.add(new PageCopy(shared, copy, slots));
    }
    store.replace(beam, tile, copy);
  }
}
