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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What must hold of every shard map and of every step from one to the next. */
final class ShardMapCheck {

  private ShardMapCheck() {}

  /** Shards that rounding may leave an executor above its bound when others join. */
  private static final int ROUNDING = 3;

  /** Every shard has a live executor, and none has more shards than its bound. */
  static void checkBound(ShardMap map) {
    check(map, 0);
  }

  /** Every shard has an executor, where there is one. */
  static void checkAssigned(ShardMap map) {
    check(map, map.size());
  }

  private static void check(ShardMap map, int excess) {
    MemberSlots slots = new MemberSlots();
    map.members().forEach(slots::put);
    Map<Member, Integer> loads = new HashMap<>();
    int assigned = 0;
    for (int index = 0; index < map.size(); index++) {
      Optional<Member> owner = map.executorAt(index);
      owner.ifPresent(member -> loads.merge(member, 1, Integer::sum));
      assigned += owner.isPresent() ? 1 : 0;
    }
    List<Member> members = map.members();
    for (int i = 0; i < members.size(); i++) {
      Member member = members.get(i);
      assertThat(loads.getOrDefault(member, 0))
          .as("load of %s", member)
          .isLessThanOrEqualTo(ShardPlacer.bound(map.size(), slots, i) + excess);
    }
    assertThat(assigned).isEqualTo(map.members().isEmpty() ? 0 : map.size());
  }

  /** One executor came or went. */
  static void checkStep(ShardMap before, ShardMap after, Member changed, boolean joined) {
    check(after, ROUNDING);
    String id = changed.executorId();
    List<Shard> moved = moved(before, after);
    if (before.members().isEmpty() || after.members().isEmpty()) {
      assertThat(moved).hasSize(before.size());
    } else if (joined) {
      double weight = after.members().stream().mapToLong(Member::weight).sum();
      assertThat(moved).isEqualTo(after.shardsOf(id));
      assertThat(moved.size())
          .isLessThanOrEqualTo((int) Math.ceil(after.size() * changed.weight() / weight));
    } else {
      assertThat(moved).isEqualTo(before.shardsOf(id));
    }
  }

  static List<Shard> moved(ShardMap before, ShardMap after) {
    List<Shard> moved = new ArrayList<>();
    for (int group = 0; group < before.groups(); group++) {
      for (int range = 0; range < before.headShards(); range++) {
        Shard shard = new Shard(group, range);
        if (!before.executor(shard).equals(after.executor(shard))) {
          moved.add(shard);
        }
      }
    }
    return moved;
  }
}
