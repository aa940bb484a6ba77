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

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.PrefixIndex;
import org.tilekv.prefix.TileGroup;

/** Chooses the tiles that were used most, of late. Under the cache's lock. */
final class HottestTiles {

  private HottestTiles() {}

  /**
   * At most so many named tiles, hottest first, but a tile after the one that it continues.
   *
   * @param uses uses of all groups so far
   */
  static List<NamedTile> of(PrefixIndex index, long uses, int most) {
    List<TileGroup> groups = new ArrayList<>(index.size());
    index.forEach(groups::add);
    groups.sort(Comparator.comparingDouble(group -> -group.heatAt(uses)));
    Set<TileGroup> chosen = new LinkedHashSet<>();
    for (TileGroup group : groups) {
      addWithParents(group, chosen, most);
    }
    return chosen.stream().map(group -> Objects.requireNonNull(group.describe())).toList();
  }

  private static void addWithParents(TileGroup group, Set<TileGroup> chosen, int most) {
    Deque<TileGroup> path = new ArrayDeque<>();
    @Nullable TileGroup next = group;
    while (next != null && next.named() && !chosen.contains(next)) {
      path.push(next);
      next = next.parent();
    }
    while (!path.isEmpty() && chosen.size() < most) {
      chosen.add(path.pop());
    }
  }
}
