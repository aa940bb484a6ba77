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

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.Register;

class ShardPlacementTest {

  private final Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> 0);

  private void register(String id) {
    coordinator.register(new Register(id, "host-" + id, 1, 0));
  }

  @Test
  void thereIsNoPreferenceWithoutExecutors() {
    assertThat(new ShardPlacement(coordinator, 0).locations(0, 10)).isEmpty();
  }

  @Test
  void namesExecutorsAsTheSchedulerReadsThem() {
    register("3");
    assertThat(new ShardPlacement(coordinator, 0).locations(7, 10))
        .containsExactly("executor_host-3_3");
  }

  @Test
  void neighboursShareAGroupAndAllPartitionsArePlaced() {
    register("1");
    register("2");
    ShardPlacement placement = new ShardPlacement(coordinator, 0);
    Set<List<String>> used = new HashSet<>();
    for (int i = 0; i < 80; i++) {
      List<String> here = placement.locations(i, 80);
      assertThat(here).hasSize(1);
      assertThat(placement.locations(i - i % 10, 80)).isEqualTo(here);
      used.add(here);
    }
    assertThat(used).hasSize(2);
  }

  @Test
  void followsTheShardMap() {
    register("1");
    register("2");
    ShardPlacement placement = new ShardPlacement(coordinator, 4);
    List<String> before = placement.locations(0, 4);
    String owner = before.get(0).substring(before.get(0).lastIndexOf('_') + 1);
    coordinator.executorLost(owner);
    assertThat(placement.locations(0, 4)).hasSize(1).isNotEqualTo(before);
  }

  @Test
  void aPlannedGroupLeavesAnExecutorThatLeaves() {
    register("1");
    register("2");
    PlacedRdd.Placement placement =
        new PlannedPlacement(
            coordinator,
            List.of(List.of("2"), List.of("1"), List.of("9"), List.of("9", "2", "1")),
            (partition, partitions) -> List.of("elsewhere"));
    assertThat(placement.locations(0, 4)).containsExactly("executor_host-2_2");
    assertThat(placement.locations(1, 4)).containsExactly("executor_host-1_1");
    assertThat(placement.locations(2, 4)).as("never seen").containsExactly("elsewhere");
    assertThat(placement.locations(3, 5)).containsExactly("executor_host-2_2", "executor_host-1_1");
    assertThat(placement.locations(4, 5)).as("no group").containsExactly("elsewhere");
    coordinator.decommissioning("2");
    assertThat(placement.locations(3, 5)).containsExactly("executor_host-1_1");
    assertThat(placement.locations(0, 4)).containsExactly("elsewhere");
    coordinator.executorLost("1");
    assertThat(placement.locations(1, 4)).containsExactly("elsewhere");
  }

  @Test
  void groupsChangeWithTheDoublingOfAClusterOnly() {
    assertThat(ShardPlacement.groups(1000, 0)).isEqualTo(4);
    assertThat(ShardPlacement.groups(1000, 1)).isEqualTo(4);
    assertThat(ShardPlacement.groups(1000, 2)).isEqualTo(8);
    assertThat(ShardPlacement.groups(1000, 3)).isEqualTo(16);
    assertThat(ShardPlacement.groups(1000, 4)).isEqualTo(16);
    assertThat(ShardPlacement.groups(3, 4)).isEqualTo(3);
    assertThat(ShardPlacement.groups(0, 4)).isEqualTo(1);
  }
}
