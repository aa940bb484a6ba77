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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** What a plan says, and which plans are refused. */
class BatchPlanTest {

  private final long[] names = {7, -3};
  private final int[][] uses = {{0, 4}, {}};

  @Test
  void findsTheNextUse() {
    BatchPlan plan = new BatchPlan(names, uses);
    assertThat(plan.tiles()).isEqualTo(2);
    assertThat(plan.tileName(1)).isEqualTo(-3);
    assertThat(plan.nextUse(0, 0)).isZero();
    assertThat(plan.nextUse(0, 1)).isEqualTo(4);
    assertThat(plan.nextUse(0, 4)).isEqualTo(4);
    assertThat(plan.nextUse(0, 5)).isEqualTo(-1);
    assertThat(plan.nextUse(1, 0)).isEqualTo(-1);
    assertThat(plan).hasToString("BatchPlan[2 tiles]");
  }

  @Test
  void cannotBeChanged() {
    BatchPlan plan = new BatchPlan(names, uses);
    names[0] = 1;
    uses[0][0] = 3;
    plan.tileNames()[0] = 2;
    plan.usesByTile()[0][1] = 9;
    assertThat(plan.tileNames()).containsExactly(7, -3);
    assertThat(plan.usesByTile()).isDeepEqualTo(new int[][] {{0, 4}, {}});
  }

  @Test
  void neighboursOfEqualUsesDoNotShareWhatCallersSee() {
    BatchPlan plan = new BatchPlan(names, new int[][] {{1}, {1}});
    int[][] copy = plan.usesByTile();
    copy[0][0] = 5;
    assertThat(copy[1]).containsExactly(1);
  }

  @Test
  void oneArrayGivenTwiceIsCheckedAndCopiedOnce() {
    int[] shared = {1, 3};
    BatchPlan plan = new BatchPlan(new long[] {7, 8, 9}, new int[][] {shared, shared, {2}});
    shared[0] = 0;
    assertThat(plan.usesByTile()).isDeepEqualTo(new int[][] {{1, 3}, {1, 3}, {2}});
  }

  @Test
  void refusesWhatIsNoPlan() {
    requireRefused(
        new long[] {1}, new int[0][], "the plan names 1 tiles and has uses of 0; each tile needs");
    requireRefused(
        new long[] {10, 2, 10}, new int[][] {{}, {}, {}}, "the plan names tile a twice; once is");
    requireRefused(
        new long[] {10}, new int[][] {{-1}}, "use 0 of tile a is at position -1; positions ascend");
    requireRefused(
        new long[] {10}, new int[][] {{2, 2}}, "use 1 of tile a is at position 2; positions asc");
  }

  private static void requireRefused(long[] names, int[][] uses, String message) {
    assertThatThrownBy(() -> new BatchPlan(names, uses))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }
}
