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

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.TileName;

/**
 * The most hits that any order of eviction can have: knows the true order of all rows and drops,
 * among the tiles that no row in flight holds, the one whose next use is furthest away, deepest
 * first among equals.
 *
 * <p>Rows, admission and what rows in flight hold are those of {@link CachePool}. A tile kept from
 * one use to the next is an interval that takes a page in between; the pages left for such
 * intervals at any time are given, since what rows in flight hold does not depend on what is
 * evicted. Keeping as many intervals as possible is then solved by giving up the one that ends last
 * whenever there are too many (Belady's rule). A tile is used whenever one that continues it is, so
 * that its next use is never later: what is kept is closed under parents by itself.
 */
final class OptimalPool implements TilePool {

  private static final int NEVER = Integer.MAX_VALUE;
  private static final TileName ROOT = TileName.root(Namespace.builder().build(), null);

  /** A full tile of the trace's texts. */
  private static final class Tile {
    final int number;
    final int depth;
    final Deque<Integer> uses = new ArrayDeque<>();
    int users;
    boolean resident;

    Tile(int number, int depth) {
      this.number = number;
      this.depth = depth;
    }

    int nextUse() {
      return uses.isEmpty() ? NEVER : uses.getFirst();
    }
  }

  private final int tileTokens;
  private final Map<TraceRow, List<Tile>> paths = new IdentityHashMap<>();
  private final Set<Tile> shared = new HashSet<>();
  private final TreeSet<Tile> unused =
      new TreeSet<>(
          Comparator.comparingInt(Tile::nextUse)
              .thenComparingInt(tile -> tile.depth)
              .thenComparingInt(tile -> tile.number));
  private long lookups;
  private final int distinct;
  private int free;
  private long hitTiles;

  OptimalPool(RowTrace trace, int tiles, int tileTokens) {
    this.tileTokens = tileTokens;
    free = tiles;
    Map<TileName, Tile> known = new HashMap<>();
    for (int row = 0; row < trace.rows().size(); row++) {
      addRow(trace.rows().get(row), row, known);
    }
    distinct = known.size();
  }

  private void addRow(TraceRow row, int order, Map<TileName, Tile> known) {
    List<Tile> path = new ArrayList<>();
    int[] prompt = row.prompt();
    TileName name = ROOT;
    for (int from = 0; from + tileTokens < prompt.length; from += tileTokens) {
      name = name.child(prompt, from, tileTokens);
      Tile tile = known.computeIfAbsent(name, key -> new Tile(known.size(), path.size()));
      if (!tile.uses.isEmpty()) {
        shared.add(tile);
      }
      tile.uses.add(order);
      path.add(tile);
    }
    lookups += path.size();
    paths.put(row, path);
  }

  /** Tiles that more than one row uses. */
  int workingSet() {
    return shared.size();
  }

  /** Hits of a pool that holds everything. */
  long mostHits() {
    return lookups - distinct;
  }

  /** Full tiles of prompts that were or will be looked for. */
  long lookups() {
    return lookups;
  }

  private List<Tile> path(TraceRow row) {
    return paths.getOrDefault(row, List.of());
  }

  /** Tiles that a row takes for itself: of its answer, and the last ones of its prompt. */
  private int ownTiles(TraceRow row) {
    return (row.length() + tileTokens - 1) / tileTokens - path(row).size();
  }

  @Override
  public boolean admit(TraceRow row) {
    List<Tile> path = path(row);
    int missing = ownTiles(row);
    int kept = 0;
    for (Tile tile : path) {
      missing += tile.resident ? 0 : 1;
      kept += tile.resident && tile.users == 0 ? 1 : 0;
    }
    if (missing > free + unused.size() - kept) {
      return false;
    }
    path.forEach(this::use);
    while (free < missing) {
      unused.last().resident = false;
      unused.pollLast();
      free++;
    }
    free -= missing;
    return true;
  }

  private void use(Tile tile) {
    hitTiles += tile.resident ? 1 : 0;
    if (tile.resident && tile.users == 0) {
      unused.remove(tile);
    }
    tile.users++;
    tile.resident = true;
    tile.uses.removeFirst();
  }

  @Override
  public void finish(TraceRow row) {
    for (Tile tile : path(row)) {
      if (--tile.users == 0) {
        unused.add(tile);
      }
    }
    free += ownTiles(row);
  }

  @Override
  public long hitTiles() {
    return hitTiles;
  }

  @Override
  public void close() {}
}
