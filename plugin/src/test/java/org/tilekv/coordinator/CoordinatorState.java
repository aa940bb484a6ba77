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

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All that a coordinator answers about itself, but the counters of refusals: to be compared. */
record CoordinatorState(
    long epoch,
    List<ExecutorView> executors,
    List<Member> members,
    List<String> owners,
    Map<Long, List<String>> holders,
    long heartbeats,
    long resyncs,
    int directoryTiles,
    int initFailures,
    PlacementMode mode,
    Map<PlacementReason, Long> placements,
    ExecutorStats total) {

  /** The state, with the map of so many groups and the holders of these tiles. */
  static CoordinatorState of(Coordinator coordinator, int groups, long... tiles) {
    ShardMap map = coordinator.shardMap(groups);
    List<String> owners = new ArrayList<>();
    for (int group = 0; group < groups; group++) {
      owners.add(map.executor(Shard.ofGroup(group)).map(Member::executorId).orElse("nobody"));
    }
    Map<Long, List<String>> holders = new TreeMap<>();
    for (long tile : tiles) {
      holders.put(tile, coordinator.holders(tile));
    }
    CoordinatorStats stats = coordinator.stats();
    return new CoordinatorState(
        coordinator.epoch(),
        coordinator.executors(),
        map.members(),
        owners,
        holders,
        stats.heartbeats(),
        stats.resyncs(),
        stats.directoryTiles(),
        stats.initFailures(),
        stats.placementMode(),
        stats.placements(),
        stats.total());
  }
}
