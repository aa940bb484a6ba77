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

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.Member;
import org.tilekv.coordinator.Shard;
import org.tilekv.coordinator.ShardMap;

/**
 * Where the members of cells should run: on the executor of their shard, (cell, head range), where
 * that leaves every cell on executors of its own and no executor with more tasks than slots; else
 * on the one with the most free slots. A barrier stage starts as a whole, so that two members must
 * not ask for the same slot.
 */
final class CellPlacement implements PlacedRdd.Placement {

  private final Coordinator coordinator;
  private final CellSlots slots;
  private final CellLayout layout;

  CellPlacement(Coordinator coordinator, CellSlots slots, CellLayout layout) {
    this.coordinator = coordinator;
    this.slots = slots;
    this.layout = layout;
  }

  @Override
  public List<String> locations(int partition, int partitions) {
    ShardMap map = coordinator.shardMap(layout.cells());
    List<@Nullable Member> places = places(map, layout, slots);
    Member place = places.get(partition);
    return place == null
        ? List.of()
        : List.of(PlacedRdd.location(place.host(), place.executorId()));
  }

  /** The executor of every task, null where there is no slot left. */
  static List<@Nullable Member> places(ShardMap map, CellLayout layout, CellSlots slots) {
    Map<Member, Integer> free = new HashMap<>();
    map.members().forEach(member -> free.put(member, slots.slots(member.weight())));
    List<@Nullable Member> places = new ArrayList<>();
    Set<Member> ofCell = new HashSet<>();
    for (int task = 0; task < layout.tasks(); task++) {
      if (layout.rank(task) == 0) {
        ofCell.clear();
      }
      Shard shard = new Shard(layout.cell(task), layout.rank(task));
      Member place =
          map.executor(shard)
              .filter(owner -> free.getOrDefault(owner, 0) > 0 && !ofCell.contains(owner))
              .orElseGet(() -> emptiest(map.members(), free, ofCell));
      if (place != null) {
        free.merge(place, -1, Integer::sum);
        ofCell.add(place);
      }
      places.add(place);
    }
    return places;
  }

  private static @Nullable Member emptiest(
      List<Member> members, Map<Member, Integer> free, Set<Member> ofCell) {
    Comparator<Member> byUse = Comparator.comparing(ofCell::contains);
    Comparator<Member> bySlots = Comparator.comparing(member -> -free.getOrDefault(member, 0));
    return members.stream()
        .filter(member -> free.getOrDefault(member, 0) > 0)
        .min(byUse.thenComparing(bySlots))
        .orElse(null);
  }
}
