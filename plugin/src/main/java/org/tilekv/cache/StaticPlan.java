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
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tilekv.BatchPlan;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.TileName;

/** Batch plans of rows whose prompts and order are known. */
public final class StaticPlan {

  private static final int FIRST_USES = 4;

  private final Map<Long, Uses> tiles = new LinkedHashMap<>();

  private StaticPlan() {}

  /**
   * The plan of rows that are worked on in the order of the array; each uses all full tiles of its
   * prompt. Costs one SHA-256 per tile of every prompt but what it shares with the one before.
   *
   * @param prompts token ids by row
   */
  public static BatchPlan of(
      Namespace namespace, @Nullable String salt, int[][] prompts, int tileTokens) {
    return of(TileName.root(namespace, salt), prompts, tileTokens);
  }

  static BatchPlan of(TileName root, int[][] prompts, int tileTokens) {
    if (tileTokens < 1) {
      throw new IllegalArgumentException("tileTokens is " + tileTokens + "; at least 1 is needed");
    }
    StaticPlan plan = new StaticPlan();
    int[] before = {};
    TileName[] path = {};
    for (int row = 0; row < prompts.length; row++) {
      path = path(root, prompts[row], before, path, tileTokens);
      before = prompts[row];
      for (TileName tile : path) {
        plan.use(tile.chain().shortName(), row);
      }
    }
    return plan.build();
  }

  /** Names of a prompt's full tiles; those shared with the prompt before are taken over. */
  private static TileName[] path(
      TileName root, int[] prompt, int[] before, TileName[] namesBefore, int tileTokens) {
    int mismatch = Arrays.mismatch(prompt, before);
    int common = mismatch < 0 ? prompt.length : mismatch;
    TileName[] names = Arrays.copyOf(namesBefore, prompt.length / tileTokens);
    TileName last = root;
    for (int tile = 0; tile < names.length; tile++) {
      if ((tile + 1) * tileTokens > common) {
        names[tile] = last.child(prompt, tile * tileTokens, tileTokens);
      }
      last = names[tile];
    }
    return names;
  }

  private void use(long name, int row) {
    tiles.computeIfAbsent(name, key -> new Uses()).add(row);
  }

  private BatchPlan build() {
    long[] names = tiles.keySet().stream().mapToLong(Long::longValue).toArray();
    int[][] uses = tiles.values().stream().map(Uses::toArray).toArray(int[][]::new);
    return new BatchPlan(names, uses);
  }

  /** Positions of one tile. */
  private static final class Uses {

    private int[] positions = new int[FIRST_USES];
    private int count;

    void add(int row) {
      if (count > 0 && positions[count - 1] == row) {
        return;
      }
      if (count == positions.length) {
        positions = Arrays.copyOf(positions, 2 * count);
      }
      positions[count++] = row;
    }

    int[] toArray() {
      return Arrays.copyOf(positions, count);
    }
  }
}
