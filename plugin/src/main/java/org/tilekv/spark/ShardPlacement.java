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

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.Member;
import org.tilekv.coordinator.Shard;
import org.tilekv.coordinator.ShardMap;

/**
 * Turns partitions into sequence groups and these, by the shard map, into executors. Runs of
 * neighbouring partitions form a group, so that most rows that share a prefix meet on one executor.
 */
final class ShardPlacement implements PlacedRdd.Placement {

  private final Coordinator coordinator;
  private final int configuredGroups;
  private volatile @Nullable ShardMap latest;

  /**
   * @param configuredGroups sequence groups, 0 to choose by partitions and executors
   */
  ShardPlacement(Coordinator coordinator, int configuredGroups) {
    this.coordinator = coordinator;
    this.configuredGroups = configuredGroups;
  }

  @Override
  public List<String> locations(int partition, int partitions) {
    ShardMap map = map(partitions);
    int group = (int) ((long) partition * map.groups() / partitions);
    return map.executor(Shard.ofGroup(group)).map(ShardPlacement::location).stream().toList();
  }

  private ShardMap map(int partitions) {
    if (configuredGroups > 0) {
      return coordinator.shardMap(configuredGroups);
    }
    ShardMap known = latest;
    if (known == null || known.epoch() != coordinator.epoch()) {
      known = coordinator.shardMap(groups(partitions, coordinator.aliveExecutors()));
      latest = known;
    }
    return known;
  }

  /** The number changes with the doubling of a cluster only, so that maps last. */
  static int groups(int partitions, int executors) {
    return Math.max(1, Math.min(partitions, ShardMap.groupsFor(executors)));
  }

  private static String location(Member member) {
    return PlacedRdd.location(member.host(), member.executorId());
  }
}
