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
    TestMap map = new TestMap(5, 1);
    assertThat(map.now().executor(Shard.ofGroup(4))).isEmpty();
    assertThat(map.follow(members(1)).shardsOf("0")).hasSize(5);
    assertThat(map.follow(List.of()).executor(Shard.ofGroup(0))).isEmpty();
    assertThat(map.follow(members(1)).shardsOf("0")).hasSize(5);
  }

  @Test
  void sameMembersMoveNothing() {
    TestMap map = new TestMap(1000, 1);
    ShardMap before = map.follow(members(13));
    List<Member> reversed = new ArrayList<>(members(13));
    Collections.reverse(reversed);
    ShardMap after = map.follow(reversed);
    assertThat(moved(before, after)).isEmpty();
    assertThat(after.epoch()).isEqualTo(before.epoch());
  }

  @Test
  void orderOfRegistrationDoesNotMatterToAMapMadeLater() {
    List<Member> reversed = new ArrayList<>(members(300));
    Collections.reverse(reversed);
    assertThat(moved(placed(2000, members(300)), placed(2000, reversed))).isEmpty();
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
      TestMap map = new TestMap(1000, 1);
      ShardMap before = map.follow(members(count));
      List<Member> left = new ArrayList<>(members(count));
      left.remove(1);
      ShardMap after = map.follow(left);
      assertThat(moved(before, after)).isEqualTo(before.shardsOf("1"));
      ShardMapCheck.checkBound(after);
    }
  }

  @Test
  void newExecutorTakesAtMostItsShareAndNothingMovesElsewhere() {
    for (int count : new int[] {1, 2, 3, 7, 8, 50, 99}) {
      TestMap map = new TestMap(1000, 1);
      ShardMap before = map.follow(members(count));
      ShardMap after = map.follow(members(count + 1));
      List<Shard> moved = moved(before, after);
      assertThat(moved).isEqualTo(after.shardsOf(String.valueOf(count)));
      int share = (int) Math.ceil(1000.0 / (count + 1));
      assertThat(moved.size()).as("%d executors", count + 1).isBetween(share / 2, share);
      ShardMapCheck.checkBound(after);
    }
  }

  @Test
  void newExecutorIsOfferedNothingWhereThatWouldNotEvenOut() {
    TestMap map = new TestMap(3, 1);
    ShardMap before = map.follow(members(3));
    assertThat(moved(before, map.follow(members(4)))).isEmpty();
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
    TestMap map = new TestMap(600, 1);
    ShardMap before = map.follow(List.of(new Member("a", "h", 8), new Member("b", "h", 1)));
    ShardMap after = map.follow(List.of(new Member("a", "h", 1), new Member("b", "h", 1)));
    ShardMapCheck.checkBound(after);
    assertThat(after.shardsOf("a")).hasSize(337);
    assertThat(moved(before, after)).isSubsetOf(before.shardsOf("a"));
  }

  @Test
  void headRangesAreShardsOfTheirOwn() {
    ShardMap map = new TestMap(10, 4).follow(members(5));
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
      TestMap maps = new TestMap(groups, 1 + random.nextInt(2));
      ShardMap map = maps.now();
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
        ShardMap next = maps.follow(members);
        assertThat(next.epoch()).isEqualTo(map.epoch() + 1);
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
    TestMap maps = new TestMap(100_000, 1);
    List<Member> all = members(1001);
    ShardMap map = placed(100_000, all.subList(0, 1000));
    ShardMapCheck.checkBound(map);
    maps.follow(all.subList(0, 1000));
    ShardMap before = maps.now();
    ShardMap after = maps.follow(all.subList(10, 1000));
    ShardMap joined = maps.follow(all.subList(10, 1001));
    int expected = 0;
    for (int i = 0; i < 10; i++) {
      expected += before.shardsOf(String.valueOf(i)).size();
    }
    assertThat(moved(before, after)).hasSize(expected);
    assertThat(moved(after, joined)).isEqualTo(joined.shardsOf("1000")).hasSizeBetween(95, 102);
    ShardMapCheck.checkBound(after);
    ShardMapCheck.checkBound(joined);
  }

  private static ShardMap placed(int groups, List<Member> members) {
    return TestMap.placed(groups, members);
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
