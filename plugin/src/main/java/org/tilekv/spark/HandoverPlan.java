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
package org.tilekv.spark;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;

/**
 * Puts tiles into messages: each message holds tiles of one prompt that follow each other, and
 * comes after the message with the tile that it continues. Hotter tiles come earlier.
 */
final class HandoverPlan {

  /**
   * Tiles of one message.
   *
   * @param root parent of the prompt's first tile
   * @param first the prompt's first tile
   * @param firstIndex place of the message's first tile in the prompt
   * @param tiles at least one
   */
  record Segment(ChainHash root, ChainHash first, int firstIndex, List<NamedTile> tiles) {}

  private final Map<ChainHash, NamedTile> byName = new HashMap<>();
  private final Map<ChainHash, List<NamedTile>> children = new HashMap<>();
  private final Set<ChainHash> planned = new HashSet<>();

  /**
   * @param hottest tiles, hottest first but parents before what continues them
   * @param mostTiles of one message
   */
  List<Segment> segments(List<NamedTile> hottest, int mostTiles) {
    for (NamedTile tile : hottest) {
      byName.put(tile.name(), tile);
      children.computeIfAbsent(tile.parent(), key -> new ArrayList<>()).add(tile);
    }
    List<Segment> segments = new ArrayList<>();
    for (NamedTile tile : hottest) {
      if (!planned.contains(tile.name())) {
        segments.add(segment(tile, mostTiles));
      }
    }
    return segments;
  }

  private Segment segment(NamedTile start, int mostTiles) {
    List<NamedTile> tiles = new ArrayList<>();
    @Nullable NamedTile next = start;
    while (next != null && tiles.size() < mostTiles) {
      planned.add(next.name());
      tiles.add(next);
      next = hottestChild(next);
    }
    List<NamedTile> path = path(start);
    return new Segment(path.get(0).parent(), path.get(0).name(), path.size() - 1, tiles);
  }

  private @Nullable NamedTile hottestChild(NamedTile tile) {
    for (NamedTile child : children.getOrDefault(tile.name(), List.of())) {
      if (!planned.contains(child.name())) {
        return child;
      }
    }
    return null;
  }

  /** From the first tile of the prompt to this one. */
  private List<NamedTile> path(NamedTile tile) {
    List<NamedTile> path = new ArrayList<>();
    for (NamedTile next = tile; next != null; next = byName.get(next.parent())) {
      path.add(0, next);
    }
    return path;
  }

  /** Tokens of the prompt up to the first so many tiles of a message. */
  int[] tokens(Segment segment, int tiles) {
    List<NamedTile> path = path(segment.tiles().get(tiles - 1));
    return path.stream().flatMapToInt(tile -> java.util.Arrays.stream(tile.tokens())).toArray();
  }
}
