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

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/**
 * A tile on its way into the pool by name: pages and parent are held from {@link #prepare} to
 * {@link #finish}, between which its bytes are copied. Each call is under the cache's lock.
 */
final class TileInstall {

  private final TileStore store;
  private final NamedTile tile;
  private final boolean first;
  private @Nullable TileGroup group;
  private @Nullable TileGroup parent;
  private @Nullable TileName parentName;

  /**
   * @param first whether the tile continues none
   */
  TileInstall(TileStore store, NamedTile tile, boolean first) {
    this.store = store;
    this.tile = tile;
    this.first = first;
  }

  boolean isResident() {
    return store.index.find(tile.name()) != null;
  }

  /** Takes pages; false where nothing was taken. */
  boolean prepare() {
    TileGroup before = store.index.find(tile.parent());
    TileName name = before == null ? null : before.name();
    TileName under = name == null && first ? TileName.under(tile.parent()) : name;
    if (under == null) {
      return false;
    }
    ChainHash expected = under.chain().child(tile.tokens(), 0, tile.tokens().length);
    int[] pages = expected.equals(tile.name()) ? store.pool.acquire(store.heads()) : null;
    if (pages == null) {
      return false;
    }
    parentName = under;
    parent = before;
    if (before != null) {
      store.retain(before);
    }
    group = new TileGroup(pages);
    store.retain(group);
    return true;
  }

  int[] pages() {
    return group == null ? new int[0] : group.pages();
  }

  /** Names the tile where its bytes are in place and nobody else has named it meanwhile. */
  void finish(boolean copied) {
    TileGroup filled = group;
    TileName under = parentName;
    if (filled == null || under == null) {
      throw new IllegalStateException("a tile is finished that was not prepared");
    }
    if (copied && !isResident()) {
      int[] tokens = Arrays.copyOf(tile.tokens(), tile.tokens().length);
      TileName name = under.child(tokens, 0, tokens.length);
      store.index.publish(filled, name, under, parent, tokens);
      store.published(name.chain());
      store.counters.loadedTiles++;
    }
    store.release(filled);
    if (parent != null) {
      store.release(parent);
    }
  }
}
