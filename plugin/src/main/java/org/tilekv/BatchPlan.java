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
package org.tilekv;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The known future of one task: which of its rows use which tiles. Rows are numbered from 0 in the
 * order in which the task works on them.
 *
 * <p>A plan is a hint. A cache that is given a wrong one drops other tiles than it should; answers
 * do not depend on it. Tiles that no plan names count as needed no more.
 *
 * <p>Immutable: arrays are copied on the way in and out. Neighbouring tiles of equal uses, as the
 * tiles of one prefix have them, share one copy.
 *
 * @param tileNames short names of full tiles, each once, in any order: the first eight bytes of a
 *     chain hash
 * @param usesByTile {@code usesByTile[i]} are the positions of the rows that use tile {@code i},
 *     ascending, each once
 */
public record BatchPlan(long[] tileNames, int[][] usesByTile) {

  public BatchPlan {
    if (tileNames.length != usesByTile.length) {
      throw new IllegalArgumentException(
          "the plan names "
              + tileNames.length
              + " tiles and has uses of "
              + usesByTile.length
              + "; each tile needs its uses");
    }
    tileNames = tileNames.clone();
    usesByTile = usesByTile.clone();
    requireDistinct(tileNames);
    int[] given = null;
    int[] before = null;
    for (int tile = 0; tile < usesByTile.length; tile++) {
      int[] uses = usesByTile[tile];
      if (before == null || uses != given) {
        before = checkedCopy(tileNames[tile], uses, before);
      }
      usesByTile[tile] = before;
      given = uses;
    }
  }

  private static void requireDistinct(long[] names) {
    long[] sorted = names.clone();
    Arrays.sort(sorted);
    for (int i = 1; i < sorted.length; i++) {
      if (sorted[i] == sorted[i - 1]) {
        throw new IllegalArgumentException(
            "the plan names tile " + Long.toHexString(sorted[i]) + " twice; once is allowed");
      }
    }
  }

  private static int[] checkedCopy(long name, int[] uses, int @Nullable [] before) {
    if (before != null && Arrays.equals(uses, before)) {
      return before;
    }
    int[] copy = uses.clone();
    for (int i = 0; i < copy.length; i++) {
      if (copy[i] < 0 || i > 0 && copy[i] <= copy[i - 1]) {
        throw new IllegalArgumentException(
            "use "
                + i
                + " of tile "
                + Long.toHexString(name)
                + " is at position "
                + copy[i]
                + "; positions ascend from 0 on, each once");
      }
    }
    return copy;
  }

  /** A copy of the names. */
  @Override
  public long[] tileNames() {
    return tileNames.clone();
  }

  /** A copy of the positions by tile. */
  @Override
  public int[][] usesByTile() {
    int[][] copy = new int[usesByTile.length][];
    Arrays.setAll(copy, tile -> usesByTile[tile].clone());
    return copy;
  }

  /** Tiles that the plan names. */
  public int tiles() {
    return tileNames.length;
  }

  /** Name of a tile, 0 to {@code tiles() - 1}. */
  public long tileName(int tile) {
    return tileNames[tile];
  }

  /** The first use of a tile at {@code position} or later, or -1; O(log uses). */
  public int nextUse(int tile, int position) {
    int[] uses = usesByTile[tile];
    int at = Arrays.binarySearch(uses, position);
    int next = at >= 0 ? at : -at - 1;
    return next < uses.length ? uses[next] : -1;
  }

  @Override
  public String toString() {
    return "BatchPlan[" + tileNames.length + " tiles]";
  }
}
