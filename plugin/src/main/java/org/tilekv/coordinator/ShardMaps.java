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

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The shard maps of an application, one per number of sequence groups: jobs that cut their rows
 * into as many groups share a map, and with it the tiles. All have one epoch. Writers are ordered
 * by the caller's lock; {@link #current} and {@link #epoch} read without one.
 */
final class ShardMaps {

  /** Numbers of groups that are kept; the one asked for first goes first. */
  static final int MAX_MAPS = 64;

  private record State(long epoch, Map<Integer, ShardMap> byGroups) {}

  private final int headShards;
  private volatile State state = new State(0, Map.of());

  ShardMaps(int headShards) {
    this.headShards = headShards;
  }

  long epoch() {
    return state.epoch;
  }

  /** The map of so many groups, or null where none was asked for yet. */
  @Nullable ShardMap current(int groups) {
    return state.byGroups.get(groups);
  }

  /** The map of so many groups, made where there is none; a new one raises the epoch. */
  ShardMap create(int groups, List<Member> members) {
    ShardMap known = current(groups);
    if (known != null) {
      return known;
    }
    Map<Integer, ShardMap> maps = new LinkedHashMap<>(state.byGroups);
    if (maps.size() >= MAX_MAPS) {
      maps.remove(maps.keySet().iterator().next());
    }
    maps.put(groups, ShardMap.empty(groups, headShards));
    place(maps, members);
    return Objects.requireNonNull(current(groups));
  }

  /** Places all maps anew and raises the epoch. */
  void membersChanged(List<Member> members) {
    place(state.byGroups, members);
  }

  private void place(Map<Integer, ShardMap> maps, List<Member> members) {
    long epoch = state.epoch + 1;
    Map<Integer, ShardMap> placed = new LinkedHashMap<>();
    maps.forEach((groups, map) -> placed.put(groups, ShardPlacer.place(map, members, epoch)));
    state = new State(epoch, placed);
  }
}
