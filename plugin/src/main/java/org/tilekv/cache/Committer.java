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
import java.util.List;
import java.util.Objects;
import org.tilekv.TileKvException;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/**
 * Notes which tokens a beam's tiles hold, and names the tiles that became full; under the cache's
 * lock.
 */
final class Committer {

  private final TileStore store;
  private final TileName root;
  private final boolean publishes;
  private final int tileTokens;
  // Retained: whoever computed them may not have ended yet.
  private final List<TileGroup> replaced = new ArrayList<>(0);

  /**
   * @param root parent of the sequence's first tile
   * @param publishes whether full tiles are named for others
   */
  Committer(TileStore store, TileName root, boolean publishes, int tileTokens) {
    this.store = store;
    this.root = root;
    this.publishes = publishes;
    this.tileTokens = tileTokens;
  }

  /**
   * Appends {@code tokens[from..from+count)} to a beam; all of them or, with an exception, none.
   */
  void commit(int number, BeamState beam, int[] tokens, int from, int count) {
    requireReserved(number, beam, count);
    requireWritable(number, beam, count);
    for (int i = 0; i < count; i++) {
      int slot = beam.length % tileTokens;
      beam.tail[slot] = tokens[from + i];
      beam.length++;
      if (publishes && slot == tileTokens - 1) {
        finishTile(beam);
      }
    }
  }

  private void requireReserved(int number, BeamState beam, int count) {
    int room = beam.groups.size() * tileTokens - beam.length;
    if (count > room) {
      throw new TileKvException(
          "beam " + number + " commits " + count + " tokens; " + room + " are reserved");
    }
  }

  /** After a fork or a reorder, tiles are shared until they are reserved again. */
  private void requireWritable(int number, BeamState beam, int count) {
    int first = beam.length / tileTokens;
    for (int tile = first; tile * tileTokens < beam.length + count; tile++) {
      TileGroup group = beam.groups.get(tile);
      if (group.named() || group.references() > 1) {
        throw new TileKvException(
            "beam "
                + number
                + " commits tokens into a tile that it shares; they have to be reserved first");
      }
    }
  }

  /** Names the tile, or takes the one of that name that is there already. */
  private void finishTile(BeamState beam) {
    int tile = beam.length / tileTokens - 1;
    TileGroup parent = tile == 0 ? null : beam.groups.get(tile - 1);
    TileName parentName = parent == null ? root : Objects.requireNonNull(parent.name());
    TileName name = parentName.child(beam.tail, 0, tileTokens);
    TileGroup same = store.index.find(name, beam.tail, 0, tileTokens);
    if (same != null) {
      TileGroup own = beam.groups.get(tile);
      store.retain(own);
      replaced.add(own);
      store.replace(beam, tile, same);
      return;
    }
    store.index.publish(beam.groups.get(tile), name, root, parent, beam.tail.clone());
    store.published(name.chain());
  }

  /**
   * Groups that others took the place of; the caller releases them once their pages can be used.
   */
  List<TileGroup> takeReplaced() {
    if (replaced.isEmpty()) {
      return List.of();
    }
    List<TileGroup> taken = List.copyOf(replaced);
    replaced.clear();
    return taken;
  }
}
