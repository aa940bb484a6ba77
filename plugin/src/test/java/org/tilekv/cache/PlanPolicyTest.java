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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.BatchPlan;
import org.tilekv.EvictionReason;
import org.tilekv.prefix.TileGroup;

/** Order of eviction with the futures of tasks. */
class PlanPolicyTest {

  private final PlanPolicyOracle tree = new PlanPolicyOracle();
  private final PlanPolicy policy = tree.policy;

  @Test
  void withoutAPlanTheLeastRecentGoesFirst() {
    TileGroup a = tree.unused(null);
    TileGroup b = tree.unused(null);
    requireVictim(a, EvictionReason.LEAST_RECENT);
    policy.remove(a);
    policy.add(a);
    requireVictim(b, EvictionReason.LEAST_RECENT);
  }

  @Test
  void whatNoRowNeedsGoesBeforeWhatIsNeededFurthestAway() {
    TileGroup near = tree.unused(null);
    TileGroup never = tree.unused(null);
    TileGroup far = tree.unused(null);
    PlanFuture future = tree.open(new int[][] {{2, 9}, {}, {5}}, near, never, far);
    requireVictim(never, EvictionReason.NOT_NEEDED);
    policy.remove(never);
    requireVictim(far, EvictionReason.FURTHEST_USE);
    policy.reached(future, 3);
    requireVictim(near, EvictionReason.FURTHEST_USE);
    policy.reached(future, 6);
    requireVictim(far, EvictionReason.NOT_NEEDED);
    policy.close(future);
    requireVictim(near, EvictionReason.LEAST_RECENT);
  }

  @Test
  void theNearestUseOfAllPlansCounts() {
    TileGroup both = tree.unused(null);
    TileGroup one = tree.unused(null);
    PlanFuture first = tree.open(new int[][] {{8}, {6}}, both, one);
    requireVictim(both, EvictionReason.FURTHEST_USE);
    PlanFuture second = tree.open(new int[][] {{4}}, both);
    requireVictim(one, EvictionReason.FURTHEST_USE);
    policy.close(second);
    requireVictim(both, EvictionReason.FURTHEST_USE);
    policy.reached(first, 7);
    requireVictim(one, EvictionReason.NOT_NEEDED);
  }

  @Test
  void aRowThatHoldsItsPromptIsNoUseToCome() {
    TileGroup own = tree.unused(null);
    TileGroup other = tree.unused(null);
    tree.open(new int[][] {{0}, {1, 3}}, own, other);
    policy.promptHeld(own);
    requireVictim(own, EvictionReason.NOT_NEEDED);
    policy.remove(own);
    policy.promptHeld(other);
    requireVictim(other, EvictionReason.FURTHEST_USE);
    policy.promptHeld(other);
    requireVictim(other, EvictionReason.NOT_NEEDED);
  }

  @Test
  void aTaskThatIsFasterNeedsItsTilesSooner() {
    TileGroup ofSlow = tree.unused(null);
    TileGroup ofFast = tree.unused(null);
    int[] rows = new int[500];
    Arrays.setAll(rows, i -> i);
    TileGroup everyRow = tree.inUse(null);
    tree.open(new int[][] {{520}}, ofSlow);
    tree.open(new int[][] {{999}, rows}, ofFast, everyRow);
    requireVictim(ofFast, EvictionReason.FURTHEST_USE);
    for (int row = 0; row < rows.length; row++) {
      policy.promptHeld(everyRow);
    }
    requireVictim(ofSlow, EvictionReason.FURTHEST_USE);
  }

  @Test
  void aGroupThatOthersContinueIsNoVictim() {
    TileGroup parent = tree.inUse(null);
    TileGroup child = tree.inUse(parent);
    policy.add(child);
    policy.add(parent);
    tree.open(new int[][] {{}, {1}}, parent, child);
    requireVictim(child, EvictionReason.FURTHEST_USE);
    tree.drop(child);
    requireVictim(parent, EvictionReason.NOT_NEEDED);
    assertThat(policy.size()).isEqualTo(1);
  }

  @Test
  void anEmptyPolicyHasNoVictim() {
    PlanFuture future = new PlanFuture(new BatchPlan(new long[0], new int[0][]));
    policy.open(future);
    assertThat(policy.victim()).isNull();
    policy.reached(future, Integer.MAX_VALUE);
    policy.close(future);
    assertThat(policy.victim()).isNull();
  }

  private void requireVictim(TileGroup group, EvictionReason reason) {
    assertThat(policy.victim()).isSameAs(group).isSameAs(policy.victim());
    assertThat(policy.reason(group)).isEqualTo(reason);
  }

  /** Random calls; the victim is looked for among all groups, each time from nothing. */
  @ParameterizedTest
  @ValueSource(ints = {5, 40, 400})
  void behavesLikeASearchThroughAllUses(int groups) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int call = 0; call < 20_000; call++) {
      try {
        tree.step(random, groups);
        tree.requireVictim();
        if (call % 50 == 0) {
          policy.checkIntegrity(tree.unused());
        }
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ", call " + call, e);
      }
    }
    assertThat(tree.reasons).containsOnlyKeys(EvictionReason.values());
  }
}
