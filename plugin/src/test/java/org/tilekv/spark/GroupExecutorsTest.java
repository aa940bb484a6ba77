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
package org.tilekv.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorReporter;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.PlacementReason;
import org.tilekv.coordinator.Register;
import org.tilekv.coordinator.plan.GroupShares;
import org.tilekv.coordinator.plan.JobPlanner;
import org.tilekv.coordinator.plan.JobPlanner.Planned;
import org.tilekv.coordinator.plan.NodeTable;
import org.tilekv.coordinator.plan.PathCounter;
import org.tilekv.coordinator.plan.PlanCost;

class GroupExecutorsTest {

  private static final int TILE_TOKENS = 16;
  private static final int TILES = 4;
  private static final int ROWS = 100;

  private final Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> 1_000);
  private final List<ExecutorReporter> executors = new ArrayList<>();
  private final List<String> ids = new ArrayList<>();

  private void start(int count) {
    for (int i = 0; i < count; i++) {
      ids.add(Integer.toString(i));
      executors.add(new ExecutorReporter(new Register(ids.get(i), "host", 1, 0)));
      beat(i);
      beat(i);
    }
  }

  private void beat(int executor) {
    ExecutorReporter reporter = executors.get(executor);
    reporter.answered(coordinator.receive(reporter.next(ExecutorStats.ZERO)));
  }

  private void hold(int executor, int prefix) {
    for (long tile : path(prefix)) {
      executors.get(executor).published(tile);
    }
    beat(executor);
  }

  private static long[] path(int prefix) {
    return IntStream.range(0, TILES).mapToLong(tile -> 1_000_000L * (prefix + 1) + tile).toArray();
  }

  /** A group for each prefix, in order, as many for each executor. */
  private Planned plan(int prefixes) {
    int[] groupsOfExecutor = ids.stream().mapToInt(id -> prefixes / ids.size()).toArray();
    Planned planned = plan(prefixes, GroupShares.equal(groupsOfExecutor));
    for (int group = 0; group < prefixes; group++) {
      assertThat(planned.plan().mostSharedPaths().get(group)).isEqualTo(path(group));
    }
    return planned;
  }

  private static Planned plan(int prefixes, GroupShares shares) {
    PathCounter counter = new PathCounter(1);
    for (int row = 0; row < prefixes * ROWS; row++) {
      counter.add(path(row / ROWS), TILES * TILE_TOKENS + 1);
    }
    NodeTable nodes = new NodeTable();
    nodes.addAll(counter.finish()[0]);
    return new JobPlanner(nodes, new PlanCost(TILE_TOKENS, 10)).plan(shares);
  }

  private int[] choose(Planned planned) {
    return new GroupExecutors(coordinator, ids, planned, TILE_TOKENS).choose();
  }

  @Test
  void groupsGoWhereTheJobBeforeLeftTheirTiles() {
    start(2);
    Planned planned = plan(4);
    assertThat(choose(planned)).as("nothing is resident").containsExactly(0, 0, 1, 1);
    assertThat(coordinator.stats().placements()).isEmpty();
    hold(1, 0);
    hold(1, 1);
    hold(0, 2);
    hold(0, 3);
    assertThat(choose(planned)).containsExactly(1, 1, 0, 0);
    assertThat(coordinator.stats().placements()).isEqualTo(Map.of(PlacementReason.RESIDENT, 4L));
  }

  @Test
  void noExecutorGetsMoreGroupsThanThePlanGaveIt() {
    start(3);
    for (int prefix = 0; prefix < 6; prefix++) {
      hold(2, prefix);
    }
    assertThat(choose(plan(6))).containsExactly(2, 2, 1, 1, 0, 0);
  }

  @Test
  void aGroupStaysWhereThePlanHasItIfItsPrefixIsThereToo() {
    start(2);
    for (int prefix = 0; prefix < 4; prefix++) {
      hold(0, prefix);
      hold(1, prefix);
    }
    assertThat(choose(plan(4))).containsExactly(0, 0, 1, 1);
  }

  @Test
  void whoCameAfterThePlanWasCutGetsNoneOfItsGroups() {
    start(3);
    ids.remove(2);
    hold(2, 0);
    assertThat(choose(plan(4))).containsExactly(0, 0, 1, 1);
  }

  @Test
  void loadIsThePlansWhateverIsResident() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    start(4);
    Planned planned = plan(12);
    for (int round = 0; round < 50; round++) {
      hold(random.nextInt(4), random.nextInt(12));
      int[] chosen = choose(planned);
      for (int executor = 0; executor < 4; executor++) {
        int own = executor;
        assertThat(IntStream.of(chosen).filter(e -> e == own).count())
            .as("seed %d, round %d, executor %d", seed, round, executor)
            .isEqualTo(3);
      }
    }
  }

  @Test
  void executorsSwapOnlyGroupsOfTheSameWeight() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    start(4);
    Planned planned = plan(40, GroupShares.ofCores(new int[] {1, 1, 1, 1}, 4_000));
    int[] weights = planned.weightOfGroup();
    assertThat(weights).containsExactly(4, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1);
    int moved = 0;
    for (int round = 0; round < 50; round++) {
      hold(random.nextInt(4), random.nextInt(40));
      GroupExecutors groups = new GroupExecutors(coordinator, ids, planned, TILE_TOKENS);
      int[] chosen = groups.choose();
      int[][] got = new int[4][5];
      for (int group = 0; group < chosen.length; group++) {
        got[chosen[group]][weights[group]]++;
        moved += chosen[group] == planned.executorOfGroup()[group] ? 0 : 1;
        if (groups.isResident(group)) {
          assertThat(coordinator.holders(planned.plan().mostSharedPaths().get(group)[0]))
              .as("seed %d, round %d, group %d", seed, round, group)
              .contains(ids.get(chosen[group]));
        }
      }
      for (int[] ofExecutor : got) {
        assertThat(ofExecutor).as("seed %d, round %d", seed, round).containsExactly(0, 2, 1, 0, 1);
      }
    }
    assertThat(moved).as("seed %d", seed).isPositive();
  }

  @Test
  void smallGroupsAreForWhoeverIsFreeUnlessTheirTilesAreSomewhere() {
    start(3);
    PlanDriver driver =
        new PlanDriver(
            coordinator, (partition, partitions) -> List.of("else"), new PlanCounters(), 1);
    GroupShares shares = driver.shares(3_000);
    Planned planned = plan(30, shares);
    assertThat(planned.weightOfGroup()).containsExactly(4, 4, 4, 2, 2, 2, 1, 1, 1, 1, 1, 1);
    PlacedRdd.Placement placement = driver.placement(planned, TILE_TOKENS);
    assertThat(placement.locations(1, 12)).containsExactly("executor_host_1");
    assertThat(placement.locations(5, 12)).containsExactly("executor_host_2");
    assertThat(placement.locations(8, 12))
        .containsExactly("executor_host_1", "executor_host_2", "executor_host_0");
    hold(1, 19);
    assertThat(planned.plan().mostSharedPaths().get(9)).isEqualTo(path(19));
    assertThat(driver.placement(planned, TILE_TOKENS).locations(9, 12))
        .containsExactly("executor_host_1");
    coordinator.executorLost("1");
    assertThat(placement.locations(1, 12)).containsExactly("else");
    assertThat(placement.locations(8, 12)).containsExactly("executor_host_2", "executor_host_0");
  }
}
