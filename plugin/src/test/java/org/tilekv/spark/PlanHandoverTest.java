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

import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.tilekv.BatchPlan;
import org.tilekv.KvCache;
import org.tilekv.PlannedRows;
import org.tilekv.coordinator.plan.GroupShares;
import org.tilekv.coordinator.plan.JobPlan;
import org.tilekv.coordinator.plan.JobPlanner;
import org.tilekv.coordinator.plan.NodeTable;
import org.tilekv.coordinator.plan.PathCounter;
import org.tilekv.coordinator.plan.PlanCost;

class PlanHandoverTest {

  /** Three rows below tile 11 and two below tile 22, in one group. */
  private static JobPlan plan() {
    PathCounter counter = new PathCounter(1);
    for (long i = 0; i < 5; i++) {
      counter.add(new long[] {i < 3 ? 11 : 22, 100 + i}, 40);
    }
    NodeTable nodes = new NodeTable();
    nodes.addAll(counter.finish()[0]);
    return new JobPlanner(nodes, new PlanCost(16, 10)).plan(GroupShares.equal(1)).plan();
  }

  @Test
  void theCacheLearnsWhatIsNeededAndHowFarTheTaskIs() {
    FakeCache cache = new FakeCache();
    JobPlan plan = plan();
    try (PlanHandover handover = Objects.requireNonNull(PlanHandover.begin(cache, plan, 0))) {
      BatchPlan told = cache.plans.get(0);
      assertThat(told.tileNames()).containsExactly(11, 22);
      assertThat(told.usesByTile()).isEqualTo(new int[][] {{0, 1, 2}, {3, 4}});
      int first = plan.run(new long[] {11}, () -> 0);
      int second = plan.run(new long[] {22}, () -> 0);
      for (int run : new int[] {first, first, first, first, second, second}) {
        handover.reached(run);
      }
    }
    assertThat(cache.reached)
        .as("a fourth row of the first prefix does not let go of it")
        .containsExactly(0, 1, 2, 2, 3, 4, -1);
  }

  @Test
  void aCacheThatTakesNoPlanIsNoFailure() {
    KvCache refuses =
        new FakeCache() {
          @Override
          public PlannedRows plan(BatchPlan plan) {
            throw new IllegalArgumentException("no");
          }
        };
    assertThat(PlanHandover.begin(refuses, plan(), 0)).isNull();
  }
}
