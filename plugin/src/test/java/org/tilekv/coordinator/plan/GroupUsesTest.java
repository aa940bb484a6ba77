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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.tilekv.BatchPlan;

class GroupUsesTest {

  @Test
  void theTilesOfOnePrefixShareAnArray() {
    int[] first = {0, 0, 0, 0, 2, 2, 2};
    int[] end = {9, 9, 5, 5, 5, 5, 9};
    int[][] uses =
        new GroupUses(new long[] {1, 2, 3, 4, 5, 6, 7}, first, end, 0, new int[] {0, 9})
            .usesByTile();
    for (int tile = 0; tile < uses.length; tile++) {
      int from = first[tile];
      assertThat(uses[tile]).hasSize(end[tile] - from).startsWith(from).endsWith(end[tile] - 1);
    }
    assertThat(uses[1]).isSameAs(uses[0]);
    assertThat(uses[2]).isNotSameAs(uses[1]);
    assertThat(uses[3]).isSameAs(uses[2]);
    assertThat(uses[4]).isNotSameAs(uses[3]);
    assertThat(uses[5]).isSameAs(uses[4]);
    assertThat(uses[6]).isNotSameAs(uses[5]);
  }

  /** Apart they would take 40 GB. */
  @Test
  void aLongPrefixOfManyRowsIsSmall() {
    int tiles = 100_000;
    int rows = 100_000;
    int[] ends = new int[tiles];
    java.util.Arrays.fill(ends, rows);
    long[] names = java.util.stream.LongStream.range(0, tiles).toArray();
    GroupUses uses = new GroupUses(names, new int[tiles], ends, 0, new int[] {0, rows});
    BatchPlan plan = new BatchPlan(uses.tileNames(), uses.usesByTile());
    assertThat(plan.nextUse(tiles - 1, rows - 1)).isEqualTo(rows - 1);
  }

  @Test
  void tilesAreUsedWhereTheRowsBelowThemAre() {
    for (int seed = 0; seed < 100; seed++) {
      Random random = new Random(seed);
      RandomRows rows = new RandomRows(random, 1 + random.nextInt(200));
      JobPlan plan =
          new JobPlanner(
                  rows.count(random, 3, random.nextInt(2) << 20),
                  new PlanCost(RandomRows.TILE, random.nextInt(50)))
              .plan(GroupShares.ofCores(new int[] {1 + random.nextInt(3), 2}, 2_000))
              .plan();
      for (int group = 0; group < plan.groups(); group++) {
        GroupUses uses = GroupUses.of(plan, group);
        Map<Long, List<Integer>> expected = new TreeMap<>();
        int place = 0;
        for (int run : plan.runsOf(group)) {
          for (int row = 0; row < plan.rows(run); row++, place++) {
            assertThat(uses.position(run, row)).as("seed %d", seed).isEqualTo(place);
            for (long name : plan.tileNames(run)) {
              expected.computeIfAbsent(name, n -> new ArrayList<>()).add(place);
            }
          }
          assertThat(uses.position(run, 1000)).as("seed %d", seed).isEqualTo(place - 1);
        }
        assertThat(uses.places()).isEqualTo(place);
        int[][] byTile = uses.usesByTile();
        Map<Long, List<Integer>> got = new TreeMap<>();
        for (int tile = 0; tile < byTile.length; tile++) {
          got.put(uses.tileNames()[tile], java.util.Arrays.stream(byTile[tile]).boxed().toList());
        }
        assertThat(got).as("seed %d group %d", seed, group).isEqualTo(expected);
      }
    }
  }
}
