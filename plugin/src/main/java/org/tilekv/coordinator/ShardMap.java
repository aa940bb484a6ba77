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
import java.util.Optional;

/**
 * Which executor each shard is assigned to, as of one epoch. An assignment is a hint where the
 * shard's tiles are; correctness never depends on it. Immutable; read without locks.
 */
public final class ShardMap {

  static final int UNASSIGNED = -1;

  private final long epoch;
  private final int groups;
  private final int headShards;
  private final List<Member> members;
  // [group * headShards + headRange] -> index into members, or UNASSIGNED. Never written.
  private final int[] owners;

  ShardMap(long epoch, int groups, int headShards, List<Member> members, int[] owners) {
    this.epoch = epoch;
    this.groups = groups;
    this.headShards = headShards;
    this.members = List.copyOf(members);
    this.owners = owners;
  }

  /** A map of which nothing is assigned yet. */
  static ShardMap empty(int groups, int headShards) {
    requirePositive("groups", groups);
    requirePositive("headShards", headShards);
    int[] owners = new int[Math.multiplyExact(groups, headShards)];
    Arrays.fill(owners, UNASSIGNED);
    return new ShardMap(0, groups, headShards, List.of(), owners);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
    }
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
    return owners.length;
  }

  /** Executors that were there at this epoch, with or without shards. */
  public List<Member> members() {
    return members;
  }

  /** The executor of a shard; empty while there is no executor at all. */
  public Optional<Member> executor(Shard shard) {
    int owner = owners[indexOf(shard)];
    return owner == UNASSIGNED ? Optional.empty() : Optional.of(members.get(owner));
  }

  /** Whether this executor holds the shard, by someone who read the map at {@code atEpoch}. */
  public boolean isOwner(Shard shard, String executorId, long atEpoch) {
    return atEpoch == epoch
        && executor(shard).filter(member -> member.executorId().equals(executorId)).isPresent();
  }

  /** Shards of an executor, in order; walks the whole map. */
  public List<Shard> shardsOf(String executorId) {
    List<Shard> shards = new ArrayList<>();
    for (int i = 0; i < owners.length; i++) {
      int owner = owners[i];
      if (owner != UNASSIGNED && members.get(owner).executorId().equals(executorId)) {
        shards.add(new Shard(i / headShards, i % headShards));
      }
    }
    return shards;
  }

  private int indexOf(Shard shard) {
    if (shard.group() >= groups || shard.headRange() >= headShards) {
      throw new IllegalArgumentException(
          shard + " is not in a map of " + groups + " groups and " + headShards + " head ranges");
    }
    return shard.group() * headShards + shard.headRange();
  }

  /** Index of a shard's owner in {@link #members}, by the shard's place in the map. */
  int ownerAt(int index) {
    return owners[index];
  }
}
