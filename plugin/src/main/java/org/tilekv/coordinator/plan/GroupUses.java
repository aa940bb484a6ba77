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
package org.tilekv.coordinator.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which rows of one group use which tiles, by the place of a row in the group. The rows below a
 * prefix lie side by side, so that each tile has one range of places.
 *
 * @param tileNames names of the tiles, each once
 * @param first first place that uses the tile
 * @param end place behind the last one
 * @param firstRun first run of the group
 * @param starts place at which each run of the group begins, and behind them the number of places
 */
public record GroupUses(long[] tileNames, int[] first, int[] end, int firstRun, int[] starts) {

  /** The uses of a group that has rows. */
  public static GroupUses of(JobPlan plan, int group) {
    List<Integer> runs = plan.runsOf(group);
    int[] starts = new int[runs.size() + 1];
    Map<Long, int[]> ranges = new LinkedHashMap<>();
    for (int i = 0; i < runs.size(); i++) {
      int start = starts[i];
      int end = Math.toIntExact(start + plan.rows(runs.get(i)));
      for (long name : plan.tileNames(runs.get(i))) {
        ranges.computeIfAbsent(name, n -> new int[] {start, end})[1] = end;
      }
      starts[i + 1] = end;
    }
    List<int[]> all = new ArrayList<>(ranges.values());
    return new GroupUses(
        ranges.keySet().stream().mapToLong(Long::longValue).toArray(),
        all.stream().mapToInt(range -> range[0]).toArray(),
        all.stream().mapToInt(range -> range[1]).toArray(),
        runs.isEmpty() ? 0 : runs.get(0),
        starts);
  }

  /** Places of the group. */
  public int places() {
    return starts[starts.length - 1];
  }

  /**
   * The place of a run's row; the run's last place for more rows than the plan knew of.
   *
   * @param index the row's index in its run
   */
  public int position(int run, int index) {
    int at = Math.max(0, Math.min(run - firstRun, starts.length - 2));
    return Math.min(starts[at] + index, starts[at + 1] - 1);
  }

  /**
   * The places that use each tile, ascending. Neighbours of one range, as the tiles of one prefix
   * have it, share an array: a group may have as many tiles as rows.
   */
  public int[][] usesByTile() {
    int[][] uses = new int[tileNames.length][];
    for (int tile = 0; tile < uses.length; tile++) {
      int from = first[tile];
      if (tile > 0 && from == first[tile - 1] && end[tile] == end[tile - 1]) {
        uses[tile] = uses[tile - 1];
        continue;
      }
      uses[tile] = new int[end[tile] - from];
      Arrays.setAll(uses[tile], i -> from + i);
    }
    return uses;
  }
}
