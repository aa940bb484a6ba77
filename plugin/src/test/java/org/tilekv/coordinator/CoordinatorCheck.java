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

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What must hold of a coordinator at any time, and of each step from one state to the next. */
final class CoordinatorCheck {

  private final Coordinator coordinator;
  private final int[] groups;
  private final Map<Integer, ShardMap> before = new HashMap<>();
  private long epochBefore;
  long moved;
  long leastMoved;

  /** Watches the maps of so many groups. */
  CoordinatorCheck(Coordinator coordinator, int... groups) {
    this.coordinator = coordinator;
    this.groups = groups;
  }

  /** To be called after each step; tiles are those that may be in the directory. */
  void check(Set<Long> tiles) {
    Set<String> placeable = ids(ExecutorView.State.ALIVE);
    Set<String> alive = new HashSet<>(placeable);
    alive.addAll(ids(ExecutorView.State.LEAVING));
    assertThat(coordinator.aliveExecutors()).isEqualTo(alive.size());
    assertThat(new HashSet<>(coordinator.placeableIds())).isEqualTo(placeable);
    assertThat(coordinator.epoch()).isGreaterThanOrEqualTo(epochBefore);
    coordinator.checkIntegrity();
    for (int count : groups) {
      checkMap(coordinator.shardMap(count), placeable);
    }
    epochBefore = coordinator.epoch();
    int held = 0;
    for (long tile : tiles) {
      List<String> holders = coordinator.holders(tile);
      assertThat(alive).as("holders of %d", tile).containsAll(holders);
      assertThat(holders).doesNotHaveDuplicates();
      held += holders.size();
    }
    assertThat(coordinator.stats().directoryTiles()).isEqualTo(held);
  }

  private Set<String> ids(ExecutorView.State state) {
    return coordinator.executors().stream()
        .filter(view -> view.state() == state)
        .map(ExecutorView::executorId)
        .collect(Collectors.toSet());
  }

  private void checkMap(ShardMap map, Set<String> placeable) {
    ShardMapCheck.checkAssigned(map);
    assertThat(map.epoch()).isEqualTo(coordinator.epoch());
    assertThat(map.members()).extracting(Member::executorId).hasSameElementsAs(placeable);
    ShardMap last = before.put(map.groups(), map);
    if (last != null && last != map) {
      checkMoves(last, map, placeable);
    }
  }

  /** Only shards of those that left or have less weight moved, or shards to those that came. */
  private void checkMoves(ShardMap last, ShardMap map, Set<String> placeable) {
    Set<String> known = last.members().stream().map(Member::executorId).collect(Collectors.toSet());
    for (Shard shard : ShardMapCheck.moved(last, map)) {
      String from = last.executor(shard).map(Member::executorId).orElse("nobody");
      String to = map.executor(shard).map(Member::executorId).orElse("nobody");
      if (from.equals(to)) {
        continue;
      }
      moved++;
      boolean had = placeable.contains(from) && weightOf(map, from) >= weightOf(last, from);
      leastMoved += had ? 0 : 1;
      assertThat(!had || !known.contains(to)).as("%s from %s to %s", shard, from, to).isTrue();
    }
    if (!known.isEmpty()) {
      leastMoved += sharesOfNew(map, known);
    }
  }

  private static int weightOf(ShardMap map, String executorId) {
    return map.members().stream()
        .filter(member -> member.executorId().equals(executorId))
        .mapToInt(Member::weight)
        .sum();
  }

  /** What those that came must take for the load to be even: their shares, rounded down. */
  private static long sharesOfNew(ShardMap map, Set<String> known) {
    double weight = map.members().stream().mapToLong(Member::weight).sum();
    return map.members().stream()
        .filter(member -> !known.contains(member.executorId()))
        .mapToLong(member -> (long) (map.size() * member.weight() / weight))
        .sum();
  }
}
