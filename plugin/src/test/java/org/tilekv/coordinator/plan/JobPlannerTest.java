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

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tilekv.coordinator.plan.JobPlanner.Planned;
import org.tilekv.coordinator.plan.RandomRows.PathRow;

/** Random rows against brute force, by seed. */
class JobPlannerTest {

  private static final int SEEDS = 150;
  private static final PlanCost COST = new PlanCost(RandomRows.TILE, 20);
  private static final int EXACT = 1 << 20;

  /** Of up to five executors, equal ones or ones that get smaller. */
  private static GroupShares shares(Random random) {
    int[] executors = random.ints(1 + random.nextInt(5), 1, 4).toArray();
    return random.nextBoolean()
        ? GroupShares.equal(executors)
        : GroupShares.ofCores(executors, 5_000L * random.nextInt(20));
  }

  @Test
  void everyNodeThatIsSharedIsCounted() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      RandomRows rows = new RandomRows(random, 1 + random.nextInt(200));
      NodeTable nodes = rows.count(random, 1 + random.nextInt(8), EXACT);
      PrefixTree tree = PrefixTree.of(nodes);
      assertThat(tree.size() - 1).as("seed %d", seed).isEqualTo((int) rows.sharedNames());
      assertThat(tree.rows(0)).as("seed %d", seed).isEqualTo(rows.rows.size());
      for (int node = 1; node < tree.size(); node++) {
        assertThat(tree.rows(node))
            .as("seed %d node %d", seed, node)
            .isEqualTo((long) rows.rows(tree.name(node)));
        assertThat(tree.depth(node)).isEqualTo(tree.depth(tree.parent(node)) + 1);
      }
    }
  }

  @Test
  void rowsWithoutATileAreCountedBeforeTheyAreMany() {
    PathCounter counter = new PathCounter(3, 4096, 64);
    int rows = 100_000;
    for (int row = 0; row < rows; row++) {
      counter.add(new long[0], 5);
    }
    assertThat(counter.heldRows()).isLessThanOrEqualTo(1024);
    NodeTable nodes = new NodeTable();
    for (byte[] bucket : counter.finish()) {
      nodes.addAll(bucket);
    }
    PrefixTree tree = PrefixTree.of(nodes);
    assertThat(tree.rows(0)).isEqualTo(rows);
    assertThat(new JobPlanner(nodes, COST).promptTokens()).isEqualTo(5L * rows);
  }

  @Test
  void eachRowIsInOneGroupUnderItsDeepestSharedPrefix() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      RandomRows rows = new RandomRows(random, 1 + random.nextInt(300));
      NodeTable nodes = rows.count(random, 1 + random.nextInt(8), EXACT);
      Planned planned = new JobPlanner(nodes, COST).plan(shares(random));
      JobPlan plan = JobPlan.decode(planned.plan().encode());
      assertThat(planned.executorOfGroup()).as("seed %d", seed).hasSize(plan.groups());
      long expected = 0;
      for (int run = 0; run < plan.runs(); run++) {
        assertThat(plan.group(run)).isBetween(0, plan.groups() - 1);
        expected += plan.rows(run);
      }
      assertThat(expected).as("seed %d", seed).isEqualTo(rows.rows.size());
      for (PathRow row : rows.rows) {
        int run = plan.run(row.path(), random::nextLong);
        assertThat(plan.tileNames(run))
            .as("seed %d row %d", seed, row.id())
            .isEqualTo(Arrays.copyOf(row.path(), rows.sharedDepth(row)));
      }
    }
  }

  @Test
  void groupsOfAnExecutorLieSideBySideAndLargeOnesHaveTheFirstNumbers() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      RandomRows rows = new RandomRows(random, 1 + random.nextInt(300));
      Planned planned = new JobPlanner(rows.count(random, 3, EXACT), COST).plan(shares(random));
      JobPlan plan = planned.plan();
      int[] byNumber = Arrays.stream(planned.weightOfGroup()).map(weight -> -weight).toArray();
      assertThat(byNumber).as("seed %d", seed).hasSize(plan.groups()).isSorted();
      int[] alongLine = IntStream.range(0, plan.runs()).map(plan::group).toArray();
      assertThat(Arrays.stream(alongLine).map(group -> planned.executorOfGroup()[group]).toArray())
          .as("seed %d", seed)
          .isSorted();
      for (int group = 0; group < plan.groups(); group++) {
        List<Integer> runs = plan.runsOf(group);
        assertThat(runs.get(runs.size() - 1) - runs.get(0) + 1)
            .as("seed %d group %d", seed, group)
            .isEqualTo(runs.size());
      }
    }
  }

  @Test
  void groupsCostWhatTheirWeightSays() {
    PathCounter counter = new PathCounter(1);
    for (int i = 0; i < 8000; i++) {
      counter.add(RandomRows.path(i % 50, 2, 3, 1000 + i), 4 * RandomRows.TILE + 1);
    }
    NodeTable nodes = new NodeTable();
    nodes.addAll(counter.finish()[0]);
    Planned planned =
        new JobPlanner(nodes, COST).plan(GroupShares.ofCores(new int[] {1, 1, 1, 1}, 8000));
    assertThat(planned.weightOfGroup())
        .containsExactly(8, 8, 8, 8, 4, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1);
    assertThat(planned.executorOfGroup())
        .containsExactly(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 0, 1, 1, 2, 2, 3, 3);
    assertThat(planned.summary().mostOfShare()).isBetween(1.0, 1.1);
    long[] rows = new long[planned.plan().groups()];
    for (int run = 0; run < planned.plan().runs(); run++) {
      rows[planned.plan().group(run)] += planned.plan().rows(run);
    }
    for (int group = 0; group < rows.length; group++) {
      assertThat(rows[group] / (125.0 * planned.weightOfGroup()[group]))
          .as("group %d", group)
          .isBetween(0.9, 1.1);
    }
  }

  @Test
  void thePathOfAGroupIsThatOfTheRunThatSharesMost() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      RandomRows rows = new RandomRows(random, 1 + random.nextInt(300));
      JobPlan plan = new JobPlanner(rows.count(random, 3, EXACT), COST).plan(shares(random)).plan();
      for (int group = 0; group < plan.groups(); group++) {
        long[] path = plan.mostSharedPaths().get(group);
        long most = 0;
        long its = 0;
        for (int run : plan.runsOf(group)) {
          long shared = plan.rows(run) * plan.tileNames(run).length;
          most = Math.max(most, shared);
          its = Math.max(its, Arrays.equals(plan.tileNames(run), path) ? shared : 0);
        }
        assertThat(its).as("seed %d group %d", seed, group).isEqualTo(most);
        assertThat(path.length > 0).as("seed %d group %d", seed, group).isEqualTo(most > 0);
      }
    }
  }

  @Test
  void theSameRowsGiveTheSamePlanHoweverTheyArePartitioned() {
    for (int seed = 0; seed < 50; seed++) {
      RandomRows rows = new RandomRows(new Random(seed), 200);
      byte[] one =
          new JobPlanner(rows.count(new Random(1), 1, EXACT), COST)
              .plan(GroupShares.equal(2, 3))
              .plan()
              .encode();
      byte[] other =
          new JobPlanner(rows.count(new Random(2), 7, EXACT), COST)
              .plan(GroupShares.equal(2, 3))
              .plan()
              .encode();
      assertThat(other).as("seed %d", seed).isEqualTo(one);
    }
  }

  @Test
  void costsAreWhatCountingAgainGivesAndGroupsAreBalanced() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      RandomRows rows = new RandomRows(random, 1 + random.nextInt(300));
      PrefixTree tree = PrefixTree.of(rows.count(random, 1 + random.nextInt(8), EXACT));
      RowLine line = new RowLine(tree, COST);
      GroupShares shares = shares(random);
      int groups = shares.groups();
      long[] cuts = new GroupCutter(line).cut(shares);
      assertThat(cuts).as("seed %d", seed).isSorted().startsWith(0).endsWith(rows.rows.size());
      int deepest = rows.rows.stream().mapToInt(rows::sharedDepth).max().orElse(0);
      int longest = rows.rows.stream().mapToInt(PathRow::tokens).max().orElse(0);
      long beyondShare = 5L * deepest * RandomRows.TILE + longest + 20 + groups;
      assertThat(line.cost(0, line.rows())).as("seed %d", seed).isEqualTo(line.totalCost());
      for (int g = 0; g < groups; g++) {
        long cost = line.cost(cuts[g], cuts[g + 1]);
        assertThat(cost)
            .as("seed %d group %d", seed, g)
            .isEqualTo(recounted(tree, line, cuts[g], cuts[g + 1]))
            .isLessThanOrEqualTo(
                line.totalCost() * shares.weights()[g] / shares.totalWeight() + beyondShare);
      }
    }
  }

  /** Walks the rows one by one and collects the nodes above each. */
  private static long recounted(PrefixTree tree, RowLine line, long from, long to) {
    Set<Integer> touched = new HashSet<>();
    long cost = 0;
    for (int run = 0; run < line.runs(); run++) {
      long start = Math.max(from, line.firstRow(run));
      long end = Math.min(to, line.firstRow(run) + line.rows(run));
      if (start < end) {
        for (int node = line.node(run); node > 0; node = tree.parent(node)) {
          cost += touched.add(node) ? COST.ofTiles(tree.tiles(node)) : 0;
        }
        long first = line.firstRow(run);
        cost += line.costOf(run, end - first) - line.costOf(run, start - first);
      }
    }
    return cost;
  }

  @Test
  void aSmallPrefixStaysWholeAndAHotOneIsSplit() {
    NodeTable nodes = new NodeTable();
    PathCounter counter = new PathCounter(1);
    for (int i = 0; i < 1000; i++) {
      counter.add(RandomRows.path(1, 2, 3, 4, 5, 6, 7, 8, 1000 + i), 9 * RandomRows.TILE + 1);
    }
    for (int i = 0; i < 3; i++) {
      counter.add(RandomRows.path(2, 2, 3, 4, 5, 6, 7, 8, 1000 + i), 9 * RandomRows.TILE + 1);
      counter.add(RandomRows.path(3, 2, 3, 4, 5, 6, 7, 8, 1000 + i), 9 * RandomRows.TILE + 1);
    }
    nodes.addAll(counter.finish()[0]);
    Planned planned = new JobPlanner(nodes, COST).plan(GroupShares.equal(1, 1, 1, 1));
    assertThat(planned.plan().groups()).isEqualTo(4);
    assertThat(planned.plan().runs()).as("the hot one in four, the others whole").isEqualTo(6);
    assertThat(planned.summary().repeatedTokens()).isEqualTo(3 * 8 * RandomRows.TILE);
    assertThat(planned.summary().mostOfShare()).isBetween(1.0, 1.02);

    NodeTable two = new NodeTable();
    PathCounter few = new PathCounter(1);
    for (int i = 0; i < 4; i++) {
      few.add(RandomRows.path(1, 2, 3, 4, 5, 6, 7, 8, 1000 + i), 9 * RandomRows.TILE + 1);
      few.add(RandomRows.path(2, 2, 3, 4, 5, 6, 7, 8, 1000 + i), 9 * RandomRows.TILE + 1);
    }
    few.add(RandomRows.path(2, 2, 3, 4, 5, 6, 7, 8, 1005), 9 * RandomRows.TILE + 1);
    two.addAll(few.finish()[0]);
    Planned whole = new JobPlanner(two, COST).plan(GroupShares.equal(1, 1));
    assertThat(whole.summary().repeatedTokens()).isZero();
    assertThat(whole.plan().runs()).isEqualTo(2);
  }

  @Test
  void rowsOfASplitPrefixSpreadAsPlanned() {
    PathCounter counter = new PathCounter(1);
    int rows = 8000;
    for (int i = 0; i < rows; i++) {
      counter.add(RandomRows.path(1, 2, 1000 + i), 3 * RandomRows.TILE + 1);
    }
    NodeTable nodes = new NodeTable();
    nodes.addAll(counter.finish()[0]);
    JobPlan plan = new JobPlanner(nodes, COST).plan(GroupShares.equal(3, 5)).plan();
    int[] got = new int[plan.groups()];
    for (int i = 0; i < rows; i++) {
      got[plan.group(plan.run(RandomRows.path(1, 2, 1000 + i), () -> 0))]++;
    }
    assertThat(Arrays.stream(got).boxed())
        .hasSize(8)
        .allSatisfy(n -> assertThat(n).isBetween(850, 1150));
    Random random = new Random(3);
    int[] equalPrompts = new int[plan.groups()];
    for (int i = 0; i < rows; i++) {
      equalPrompts[plan.group(plan.run(RandomRows.path(1, 2), random::nextLong))]++;
    }
    assertThat(Arrays.stream(equalPrompts).boxed())
        .allSatisfy(n -> assertThat(n).isBetween(850, 1150));
  }

  @Test
  void withFewNamesToldTheTreeIsAPartOfTheWholeAndKeepsSharersTogether() {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      RandomRows rows = new RandomRows(random, 1 + random.nextInt(200));
      NodeTable nodes = rows.count(random, 1 + random.nextInt(8), 0);
      PrefixTree tree = PrefixTree.of(nodes);
      assertThat(tree.rows(0)).isEqualTo(rows.rows.size());
      Set<Long> names = new HashSet<>();
      for (int node = 1; node < tree.size(); node++) {
        assertThat(tree.rows(node))
            .as("seed %d node %d", seed, node)
            .isBetween(2L, (long) rows.rows(tree.name(node)));
        names.add(tree.name(node));
      }
      for (PathRow row : rows.rows) {
        int shared = rows.sharedDepth(row);
        int known = 0;
        for (int depth = 1; depth <= shared; depth++) {
          known = names.contains(row.path()[depth - 1]) ? depth : known;
        }
        assertThat(SortedPaths.nextDepth(known, false))
            .as("seed %d row %d: the next depth that all tell is not shared", seed, row.id())
            .isGreaterThan(shared);
      }
      requireSharersStayTogether(rows, names, new JobPlanner(nodes, COST).plan(shares(random)));
    }
  }

  /** Rows that agree in one tile more than the plan knows of get one run. */
  private static void requireSharersStayTogether(
      RandomRows rows, Set<Long> names, Planned planned) {
    Map<Long, Integer> runs = new HashMap<>();
    for (PathRow row : rows.rows) {
      int known = row.path().length;
      while (known > 0 && !names.contains(row.path()[known - 1])) {
        known--;
      }
      int run = planned.plan().run(row.path(), row::id);
      assertThat(run).isBetween(0, planned.plan().runs() - 1);
      if (known < row.path().length) {
        assertThat(runs.computeIfAbsent(row.path()[known], n -> run)).isEqualTo(run);
      }
    }
  }

  @Test
  void rowsThatThePlanNeverSawGetARun() {
    RandomRows rows = new RandomRows(new Random(5), 100);
    JobPlan plan =
        new JobPlanner(rows.count(new Random(5), 2, EXACT), COST).plan(GroupShares.equal(4)).plan();
    assertThat(plan.run(new long[] {1, 2, 3}, () -> 7)).isBetween(0, plan.runs() - 1);
    assertThat(plan.run(new long[0], () -> 7)).isBetween(0, plan.runs() - 1);
  }

  @Test
  void noRowsGiveNoGroups() {
    Planned planned = new JobPlanner(new NodeTable(), COST).plan(GroupShares.equal(2, 2));
    assertThat(planned.plan().groups()).isZero();
    assertThat(planned.summary().savedTokens()).isZero();
  }

  @Test
  void ofTooManyNodesThoseOfMostRowsStay() {
    PathCounter counter = new PathCounter(1);
    for (int prefix = 0; prefix < 10; prefix++) {
      for (int row = 0; row < 2 + prefix; row++) {
        counter.add(RandomRows.path(prefix, 5000 + row), 40);
      }
    }
    NodeTable all = new NodeTable();
    all.addAll(counter.finish()[0]);
    NodeTable some = new NodeTable();
    some.addAll(all.encodeShared(4));
    assertThat(PrefixTree.of(some).size() - 1).isBetween(2, 4);
    assertThat(some.find(RandomRows.path(9)[0])).isNotNegative();
    assertThat(some.find(RandomRows.path(0)[0])).isNegative();
  }
}
