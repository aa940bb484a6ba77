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
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The shard maps of an application, one per number of sequence groups: jobs that cut their rows
 * into as many groups share a map, and with it the tiles. All have one epoch. Writers are ordered
 * by the caller's lock; {@link #current} and {@link #epoch} read without one.
 */
final class ShardMaps {

  /** Numbers of groups that are kept; the one asked for first goes first. */
  static final int MAX_MAPS = 64;

  private record Bid(Member member, double cost) {}

  private record State(long epoch, Map<Integer, ShardMap> byGroups) {}

  private final int headShards;
  private final Map<Integer, ShardTable> tables = new LinkedHashMap<>();
  private final MemberSlots members = new MemberSlots();
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

  /** Executors that shards are assigned to. */
  MemberSlots members() {
    return members;
  }

  /** The tables behind the maps. */
  Collection<ShardTable> tables() {
    return tables.values();
  }

  /** The map of so many groups, made where there is none; a new one raises the epoch. */
  ShardMap create(int groups) {
    ShardMap known = current(groups);
    if (known != null) {
      return known;
    }
    ShardTable table = new ShardTable(groups, headShards);
    if (tables.size() >= MAX_MAPS) {
      Iterator<Integer> oldest = tables.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
    tables.put(groups, table);
    ShardPlacer.place(
        table, members, new RendezvousGroups(members), List.of(), List.of(), List.of());
    publish();
    return Objects.requireNonNull(current(groups));
  }

  /** A member came, or has another host or weight; without any difference nothing happens. */
  void put(Member member) {
    int known = members.slotOf(member.executorId());
    Member before = known == MemberSlots.NONE ? null : members.get(known);
    if (member.equals(before)) {
      return;
    }
    List<Integer> slot = List.of(members.put(member));
    boolean lowered = before != null && before.weight() > member.weight();
    RendezvousGroups rendezvous = new RendezvousGroups(members);
    for (ShardTable table : tables.values()) {
      ShardPlacer.place(
          table,
          members,
          rendezvous,
          List.of(),
          lowered ? slot : List.of(),
          before == null ? slot : List.of());
    }
    publish();
  }

  /** The member of this id, if shards are assigned to it. */
  Optional<Member> member(String executorId) {
    int slot = members.slotOf(executorId);
    return slot == MemberSlots.NONE ? Optional.empty() : Optional.ofNullable(members.get(slot));
  }

  /** The members that win a key by rendezvous hashing, best first. */
  List<Member> winners(String key, int most) {
    int hash = key.hashCode();
    return Arrays.stream(members.snapshot())
        .filter(Objects::nonNull)
        .map(Objects::requireNonNull)
        .map(m -> new Bid(m, Rendezvous.cost(Rendezvous.seed(m), m.weight(), hash)))
        .sorted(Comparator.comparingDouble(Bid::cost))
        .limit(most)
        .map(Bid::member)
        .toList();
  }

  /** Shards of a member, by map. */
  Map<Integer, int[]> shardsOf(String executorId) {
    int slot = members.slotOf(executorId);
    Map<Integer, int[]> shards = new LinkedHashMap<>();
    if (slot != MemberSlots.NONE) {
      tables.forEach((groups, table) -> shards.put(groups, table.shardsOf(slot)));
    }
    return shards;
  }

  /** Who owns these shards now, the one with the most of them first. */
  List<String> ownersOf(Map<Integer, int[]> shardsByMap) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    shardsByMap.forEach(
        (groups, shards) -> {
          ShardMap map = Objects.requireNonNull(current(groups));
          for (int shard : shards) {
            map.executorAt(shard)
                .ifPresent(member -> counts.merge(member.executorId(), 1, Integer::sum));
          }
        });
    return counts.entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Members left; those that were none do not count. */
  void remove(Collection<String> executorIds) {
    List<Integer> gone = new ArrayList<>();
    for (String id : executorIds) {
      if (members.slotOf(id) != MemberSlots.NONE) {
        gone.add(members.slotOf(id));
      }
    }
    if (gone.isEmpty()) {
      return;
    }
    members.remove(executorIds);
    RendezvousGroups rendezvous = new RendezvousGroups(members);
    for (ShardTable table : tables.values()) {
      List<int[]> orphans = gone.stream().map(table::takeAll).toList();
      ShardPlacer.place(table, members, rendezvous, orphans, List.of(), List.of());
    }
    publish();
  }

  private void publish() {
    long epoch = state.epoch + 1;
    @Nullable Member[] bySlot = members.snapshot();
    Map<Integer, ShardMap> maps = new LinkedHashMap<>();
    tables.forEach((groups, table) -> maps.put(groups, table.snapshot(epoch, bySlot)));
    state = new State(epoch, maps);
  }
}
