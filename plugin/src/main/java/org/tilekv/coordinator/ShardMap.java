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
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which executor each shard is assigned to, as of one epoch. An assignment is a hint where the
 * shard's tiles are; correctness never depends on it. Immutable; read without locks.
 */
public final class ShardMap {

  static final int UNASSIGNED = -1;

  /** Enough to spread the load evenly, few enough to keep neighbours together. */
  private static final int GROUPS_PER_EXECUTOR = 4;

  private final long epoch;
  private final int groups;
  private final int headShards;
  // By slot; null where a slot is free. Never written.
  private final @Nullable Member[] members;
  // Shard group * headShards + headRange is at [its number / CHUNK][the rest]: a slot, or
  // UNASSIGNED.
  // Chunks are shared with other epochs' maps and never written.
  private final int[][] owners;

  ShardMap(long epoch, int groups, int headShards, @Nullable Member[] members, int[][] owners) {
    this.epoch = epoch;
    this.groups = groups;
    this.headShards = headShards;
    this.members = members;
    this.owners = owners;
  }

  /**
   * Sequence groups for so many executors where nobody says how many: four each, rounded up so that
   * the number changes with the doubling of a cluster only, and maps last.
   */
  public static int groupsFor(int executors) {
    return GROUPS_PER_EXECUTOR * Integer.highestOneBit(Math.max(1, 2 * executors - 1));
  }

  /** Number of the assignment; a later one is higher. */
  public long epoch() {
    return epoch;
  }

  /** Sequence groups. */
  public int groups() {
    return groups;
  }

  /** Ranges that the KV heads of each group are cut into. */
  public int headShards() {
    return headShards;
  }

  /** Shards in all. */
  public int size() {
    return groups * headShards;
  }

  /** Executors that were there at this epoch, with or without shards. */
  public List<Member> members() {
    return Arrays.stream(members).filter(Objects::nonNull).map(Objects::requireNonNull).toList();
  }

  /** The executor of a shard; empty while there is no executor at all. */
  public Optional<Member> executor(Shard shard) {
    return executorAt(indexOf(shard));
  }

  /** As {@link #executor}, by the shard's place in the map. */
  Optional<Member> executorAt(int index) {
    return Optional.ofNullable(memberAt(index));
  }

  /** Whether this executor holds the shard, by someone who read the map at {@code atEpoch}. */
  public boolean isOwner(Shard shard, String executorId, long atEpoch) {
    return atEpoch == epoch
        && executor(shard).filter(member -> member.executorId().equals(executorId)).isPresent();
  }

  /** Shards of an executor, in order; walks the whole map. */
  public List<Shard> shardsOf(String executorId) {
    int slot = slotOf(executorId);
    List<Shard> shards = new ArrayList<>();
    for (int i = 0; i < size() && slot != UNASSIGNED; i++) {
      if (slotAt(i) == slot) {
        shards.add(new Shard(i / headShards, i % headShards));
      }
    }
    return shards;
  }

  private int slotOf(String executorId) {
    for (int slot = 0; slot < members.length; slot++) {
      Member member = members[slot];
      if (member != null && member.executorId().equals(executorId)) {
        return slot;
      }
    }
    return UNASSIGNED;
  }

  private int indexOf(Shard shard) {
    if (shard.group() >= groups || shard.headRange() >= headShards) {
      throw new IllegalArgumentException(
          shard + " is not in a map of " + groups + " groups and " + headShards + " head ranges");
    }
    return shard.group() * headShards + shard.headRange();
  }

  private @Nullable Member memberAt(int index) {
    int slot = slotAt(index);
    return slot == UNASSIGNED ? null : members[slot];
  }

  private int slotAt(int index) {
    return owners[index / ShardTable.CHUNK][index % ShardTable.CHUNK];
  }
}
