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
package org.tilekv.attention;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.tilekv.page.PageTable;

/**
 * Finds the groups of rows that should read a prefix together: walks the tree that the rows' pages
 * make, and takes a node's rows as one group where that gains more than the groups below it.
 *
 * <p>Two rows that have a page in common have the same tokens up to its end: pages are shared by
 * rows with equal prefixes, or by forks of one row.
 */
final class PrefixTree {

  private final PageTable table;
  private final PrefixCost cost;
  private final int tileTokens;
  private final Segments segments;
  private final int rows;

  /**
   * @param rows the first segments, of one token each, that are looked at
   */
  PrefixTree(PageTable table, PrefixCost cost, Segments segments, int rows) {
    this.table = table;
    this.cost = cost;
    this.segments = segments;
    this.rows = rows;
    tileTokens = cost.geometry().tileTokens();
  }

  /** The groups that gain most; each row is in one at most. */
  List<SharedPrefix> groups() {
    List<SharedPrefix> found = new ArrayList<>();
    if (rows > 1) {
      best(IntStream.range(0, rows).boxed().toList(), 0, found);
    }
    return found;
  }

  /** Adds the best groups among rows that share {@code depth} tiles; returns what they gain. */
  private double best(List<Integer> rows, int depth, List<SharedPrefix> into) {
    int common = commonTiles(rows, depth);
    List<SharedPrefix> below = new ArrayList<>();
    double gainBelow = 0;
    for (List<Integer> branch : branches(rows, common)) {
      gainBelow += best(branch, common + 1, below);
    }
    int keys = common * tileTokens / cost.blockKeys() * cost.blockKeys();
    double gain = keys == 0 ? 0 : cost.gain(rows.size(), keys);
    if (gain <= 0 || gain < gainBelow) {
      into.addAll(below);
      return gainBelow;
    }
    int tiles = (keys + tileTokens - 1) / tileTokens;
    int[] members = rows.stream().mapToInt(Integer::intValue).sorted().toArray();
    into.add(new SharedPrefix(members, tiles, page(members[0], tiles - 1), keys));
    return gain;
  }

  private int commonTiles(List<Integer> rows, int from) {
    int tile = from;
    while (true) {
      int page = page(rows.get(0), tile);
      for (int row : rows) {
        if (page == PageTable.NO_PAGE || page(row, tile) != page) {
          return tile;
        }
      }
      tile++;
    }
  }

  /** Rows by their page at a tile; those that share it with nobody are left out. */
  private List<List<Integer>> branches(List<Integer> rows, int tile) {
    List<Integer> sorted = new ArrayList<>(rows);
    sorted.sort(Comparator.comparingInt(row -> page(row, tile)));
    List<List<Integer>> found = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= sorted.size(); i++) {
      int page = page(sorted.get(from), tile);
      if (i < sorted.size() && page(sorted.get(i), tile) == page) {
        continue;
      }
      if (i - from > 1 && page != PageTable.NO_PAGE && i - from < rows.size()) {
        found.add(sorted.subList(from, i));
      }
      from = i;
    }
    return found;
  }

  /** Page of a tile that lies wholly before the row's token, else none. */
  private int page(int member, int tile) {
    return tile < segments.start(member) / tileTokens
        ? table.lookup(segments.row(member), 0, tile)
        : PageTable.NO_PAGE;
  }
}
