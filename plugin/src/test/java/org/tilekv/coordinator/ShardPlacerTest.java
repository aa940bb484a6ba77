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
package org.tilekv.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ShardPlacerTest {

  @Test
  void withoutMembersNothingIsAssigned() {
    ShardMap map = ShardPlacer.place(ShardMap.empty(5, 1), List.of(), 1);
    assertThat(map.executor(Shard.ofGroup(4))).isEmpty();
    ShardMap one = ShardPlacer.place(map, members(1), 2);
    assertThat(one.shardsOf("0")).hasSize(5);
    assertThat(ShardPlacer.place(one, List.of(), 3).executor(Shard.ofGroup(0))).isEmpty();
  }

  @Test
  void sameMembersMoveNothing() {
    ShardMap map = placed(1000, members(13));
    List<Member> reversed = new ArrayList<>(members(13));
    Collections.reverse(reversed);
    assertThat(moved(map, ShardPlacer.place(map, reversed, 2))).isEmpty();
  }

  @Test
  void sameMembersGiveTheSameMapInEveryRun() {
    ShardMap map = placed(12, members(3));
    assertThat(List.of(map.shardsOf("0").size(), map.shardsOf("1").size())).containsExactly(4, 4);
    assertThat(moved(map, placed(12, members(3)))).isEmpty();
  }

  @Test
  void lostExecutorMovesItsShardsAndNoOthers() {
    for (int count : new int[] {2, 3, 7, 8, 50}) {
      ShardMap before = placed(1000, members(count));
      List<Member> left = new ArrayList<>(members(count));
      left.remove(1);
      ShardMap after = ShardPlacer.place(before, left, 2);
      assertThat(moved(before, after)).isEqualTo(before.shardsOf("1"));
      ShardMapCheck.checkBound(after);
    }
  }

  @Test
  void newExecutorTakesAtMostItsShareAndNothingMovesElsewhere() {
    for (int count : new int[] {1, 2, 3, 7, 8, 50, 99}) {
      ShardMap before = placed(1000, members(count));
      ShardMap after = ShardPlacer.place(before, members(count + 1), 2);
      List<Shard> moved = moved(before, after);
      assertThat(moved).isEqualTo(after.shardsOf(String.valueOf(count)));
      int share = (int) Math.ceil(1000.0 / (count + 1));
      assertThat(moved.size()).as("%d executors", count + 1).isBetween(share / 2, share);
      ShardMapCheck.checkBound(after);
    }
  }

  @Test
  void newExecutorIsOfferedNothingWhereThatWouldNotEvenOut() {
    ShardMap before = placed(3, members(3));
    assertThat(moved(before, ShardPlacer.place(before, members(4), 2))).isEmpty();
  }

  @Test
  void weightsShareTheLoad() {
    List<Member> members =
        List.of(new Member("small", "h", 1), new Member("big", "h", 3), new Member("mid", "h", 2));
    ShardMap map = placed(6000, members);
    assertThat(map.shardsOf("small").size()).isBetween(800, 1125);
    assertThat(map.shardsOf("mid").size()).isBetween(1700, 2250);
    assertThat(map.shardsOf("big").size()).isBetween(2600, 3375);
    ShardMapCheck.checkBound(map);
  }

  @Test
  void lowerWeightGivesTheExcessAway() {
    ShardMap before = placed(600, List.of(new Member("a", "h", 8), new Member("b", "h", 1)));
    ShardMap after =
        ShardPlacer.place(before, List.of(new Member("a", "h", 1), new Member("b", "h", 1)), 2);
    ShardMapCheck.checkBound(after);
    assertThat(after.shardsOf("a")).hasSize(337);
    assertThat(moved(before, after)).isSubsetOf(before.shardsOf("a"));
  }

  @Test
  void headRangesAreShardsOfTheirOwn() {
    ShardMap map = ShardPlacer.place(ShardMap.empty(10, 4), members(5), 1);
    assertThat(map.size()).isEqualTo(40);
    assertThat(map.headShards()).isEqualTo(4);
    assertThat(map.executor(new Shard(9, 3))).isPresent();
    ShardMapCheck.checkBound(map);
  }

  @Test
  void anyHistoryOfMembersKeepsTheRules() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int history = 0; history < 40; history++) {
      int groups = 1 + random.nextInt(random.nextBoolean() ? 20 : 400);
      ShardMap map = ShardMap.empty(groups, 1 + random.nextInt(2));
      List<Member> members = new ArrayList<>();
      boolean weighted = random.nextBoolean();
      for (int step = 1; step < 60; step++) {
        boolean join = members.isEmpty() || random.nextInt(5) < (step < 30 ? 4 : 2);
        Member changed =
            join
                ? new Member("e" + step, "host", weighted ? 1 + random.nextInt(8) : 1)
                : members.get(random.nextInt(members.size()));
        if (join) {
          members.add(changed);
        } else {
          members.remove(changed);
        }
        ShardMap next = ShardPlacer.place(map, members, step);
        assertThat(next.epoch()).isEqualTo(step);
        try {
          ShardMapCheck.checkStep(map, next, changed, join);
        } catch (AssertionError e) {
          throw new AssertionError("seed " + seed + ", history " + history + ", step " + step, e);
        }
        map = next;
      }
    }
  }

  @Test
  void largeClusterLosesTenExecutors() {
    long start = System.nanoTime();
    ShardMap map = placed(100_000, members(1000));
    long made = System.nanoTime();
    List<Member> left = members(1000).subList(10, 1000);
    ShardMap after = ShardPlacer.place(map, left, 2);
    long lost = System.nanoTime();
    ShardMap joined = ShardPlacer.place(map, members(1001), 2);
    long end = System.nanoTime();
    System.out.printf(
        "1,000 executors, 100,000 shards: made in %d ms, lost 10 in %d ms, joined 1 in %d ms%n",
        (made - start) / 1_000_000, (lost - made) / 1_000_000, (end - lost) / 1_000_000);
    int expected = 0;
    for (int i = 0; i < 10; i++) {
      expected += map.shardsOf(String.valueOf(i)).size();
    }
    assertThat(moved(map, after)).hasSize(expected);
    assertThat(moved(map, joined)).hasSizeLessThanOrEqualTo(100);
    ShardMapCheck.checkBound(after);
    ShardMapCheck.checkBound(joined);
  }

  private static ShardMap placed(int groups, List<Member> members) {
    return ShardPlacer.place(ShardMap.empty(groups, 1), members, 1);
  }

  private static List<Member> members(int count) {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      members.add(new Member(String.valueOf(i), "host" + i, 4));
    }
    return members;
  }

  private static List<Shard> moved(ShardMap before, ShardMap after) {
    return ShardMapCheck.moved(before, after);
  }
}
