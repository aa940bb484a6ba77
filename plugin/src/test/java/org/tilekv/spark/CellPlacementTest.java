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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.spark.SparkConf;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tilekv.TileKvException;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.Member;
import org.tilekv.coordinator.Messages;
import org.tilekv.coordinator.Register;

class CellPlacementTest {

  private static final SparkConf CONF =
      new SparkConf(false).set("spark.master", "local-cluster[1,1,512]");

  private static Coordinator coordinator(int shards, int executors, int cores) {
    Coordinator coordinator =
        new Coordinator(
            TileKvConfig.parse(Map.of("spark.tilekv.headShards", Integer.toString(shards))),
            () -> 0);
    for (int i = 0; i < executors; i++) {
      coordinator.receive(Messages.encode(new Register("e" + i, "host" + i % 2, cores, 1)));
    }
    return coordinator;
  }

  @Test
  void membersOfACellAreApartAndNoExecutorHasMoreTasksThanSlots() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int shards = 1 + random.nextInt(4);
      int executors = shards + random.nextInt(6);
      int cores = 1 + random.nextInt(3);
      Coordinator coordinator = coordinator(shards, executors, cores);
      CellSlots slots = new CellSlots(coordinator, CONF);
      CellLayout layout = new CellLayout(50, slots.cells(shards, 50), shards);
      assertThat(layout.cells()).isEqualTo(executors / shards);
      List<@Nullable Member> places =
          CellPlacement.places(coordinator.shardMap(layout.cells()), layout, slots);
      Map<Member, Integer> tasks = new HashMap<>();
      for (int cell = 0; cell < layout.cells(); cell++) {
        List<@Nullable Member> members = places.subList(cell * shards, (cell + 1) * shards);
        assertThat(members).as("seed %d, round %d", seed, round).doesNotHaveDuplicates();
        members.forEach(member -> tasks.merge(member, 1, Integer::sum));
      }
      assertThat(tasks.values()).as("seed %d", seed).allMatch(count -> count <= cores);
    }
  }

  @Test
  void membersShareAnExecutorWhereThereAreTooFew() {
    Coordinator coordinator = coordinator(3, 2, 2);
    CellSlots slots = new CellSlots(coordinator, CONF);
    CellLayout layout = new CellLayout(5, slots.cells(3, 5), 3);
    assertThat(layout.cells()).isEqualTo(1);
    assertThat(CellPlacement.places(coordinator.shardMap(1), layout, slots))
        .doesNotContainNull()
        .hasSize(3);
  }

  @Test
  void tooFewSlotsAreRefusedWithNumbers() {
    CellSlots slots = new CellSlots(coordinator(4, 3, 1), CONF);
    assertThatThrownBy(() -> slots.cells(4, 5))
        .isInstanceOf(TileKvException.class)
        .hasMessage(
            "spark.tilekv.headShards is 4, so that as many tasks have to run at once; the 3"
                + " executors have 3 task slots");
  }

  @Test
  void keysSortAsRowsAndFindTheirWay() {
    CellLayout layout = new CellLayout(7, 3, 2);
    List<Integer> tasks = new ArrayList<>();
    for (int partition = 0; partition < 7; partition++) {
      long key = CellLayout.key(partition, 5);
      assertThat(CellLayout.key(partition, 4)).isLessThan(key);
      assertThat(CellLayout.key(partition + 1, 0)).isGreaterThan(key);
      assertThat(CellPartitioner.toInput(layout).getPartition(key)).isEqualTo(partition);
      tasks.add(CellPartitioner.toCells(layout).getPartition(key));
    }
    assertThat(tasks).isSorted().containsOnly(0, 2, 4);
  }

  @Test
  void poolsAreEqualForAllMembers() {
    String[] tasks = {
      new CellMember("a", "h", 1, 1, 1000).toText(),
      new CellMember("b", "h", 1, 2, 900).toText(),
      new CellMember("b", "h", 1, 3, 900).toText(),
      new CellMember("c", "h", 1, 4, 2000).toText()
    };
    CellRoster roster = new CellRoster(tasks, 2);
    assertThat(roster.mostInOneProcess()).isEqualTo(2);
    assertThat(roster.poolBytes()).isEqualTo(450);
    assertThat(roster.cellOf(3)).extracting(CellMember::executorId).containsExactly("b", "c");
  }

  @Test
  void partsOfOneProcessHaveNumbers() {
    MemberInstances instances = new MemberInstances();
    assertThat(instances.take("m", 0, 2).instance()).isZero();
    var second = instances.take("m", 0, 2);
    assertThat(second.instance()).isEqualTo(1);
    assertThat(instances.take("m", 1, 2).instance()).isZero();
    instances.giveBack("m", second);
    assertThat(instances.take("m", 0, 2).instance()).isEqualTo(1);
  }
}
