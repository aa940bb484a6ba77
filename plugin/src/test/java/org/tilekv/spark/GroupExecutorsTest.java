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
    PathCounter counter = new PathCounter(1);
    for (int row = 0; row < prefixes * ROWS; row++) {
      counter.add(path(row / ROWS), TILES * TILE_TOKENS + 1);
    }
    NodeTable nodes = new NodeTable();
    nodes.addAll(counter.finish()[0]);
    int[] groupsOfExecutor = ids.stream().mapToInt(id -> prefixes / ids.size()).toArray();
    Planned planned = new JobPlanner(nodes, new PlanCost(TILE_TOKENS, 10)).plan(groupsOfExecutor);
    for (int group = 0; group < prefixes; group++) {
      assertThat(planned.plan().mostSharedPaths().get(group)).isEqualTo(path(group));
    }
    return planned;
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
}
