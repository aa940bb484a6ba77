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

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Places work by the shard map alone: nothing that executors report is read. Items of the same
 * prefix go to the same group, and on to the next one where the group's executor has had 1.125
 * times its share of the call. Confined to one call.
 */
final class MapPlacer {

  private final Supplier<ShardMap> maps;
  private final double tokens;
  private @Nullable ShardMap read;
  private double boundPerWeight;
  private final Map<String, Long> placedTokens = new HashMap<>();

  /**
   * For one call.
   *
   * @param maps asked once, when the first item is placed
   * @param items all items of the call, for the bound
   */
  MapPlacer(Supplier<ShardMap> maps, List<WorkItem> items) {
    this.maps = maps;
    this.tokens = items.stream().mapToLong(WorkItem::costTokens).sum();
  }

  private ShardMap map() {
    ShardMap known = read;
    if (known == null) {
      known = maps.get();
      read = known;
      double weight = Math.max(1, known.members().stream().mapToLong(Member::weight).sum());
      boundPerWeight = ShardPlacer.BOUND * tokens / weight;
    }
    return known;
  }

  Placement place(WorkItem item) {
    ShardMap map = map();
    int first = Math.floorMod(item.key(), map.groups());
    Optional<Member> executor = map.executor(Shard.ofGroup(first));
    for (int i = 1; i < map.groups() && executor.filter(this::isFull).isPresent(); i++) {
      executor = map.executor(Shard.ofGroup((first + i) % map.groups()));
    }
    executor.ifPresent(e -> placedTokens.merge(e.executorId(), item.costTokens(), Long::sum));
    return new Placement(executor, PlacementReason.DEGRADED, 0, 0, 0, 0);
  }

  private boolean isFull(Member member) {
    return placedTokens.getOrDefault(member.executorId(), 0L) > boundPerWeight * member.weight();
  }

  Map<String, Long> placedTokens() {
    return placedTokens;
  }
}
