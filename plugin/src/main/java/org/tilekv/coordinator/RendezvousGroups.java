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

/**
 * Rendezvous hashing in two levels: a shard first chooses among groups of members, each with the
 * weight of its members together, then among the members of the group. A choice so costs about
 * twice the square root of the members instead of all of them, and each member still wins its share
 * by weight. Which group a member is in follows from its id. Few members are one group.
 *
 * <p>Source: Yao, Ravishankar and Tripathi, "Hash-based virtual hierarchies for caching in hybrid
 * content-delivery networks" (2001), with two levels.
 *
 * <p>Built for the members of one moment.
 */
final class RendezvousGroups {

  /** Up to so many members are compared one by one. */
  static final int ONE_GROUP = 64;

  private static final long GROUP_SALT = 0x6A09E667F3BCC909L;

  // Members of group g are at [starts[g], starts[g + 1]).
  private final int[] starts;
  private final int[] slots;
  private final long[] seeds;
  private final int[] weights;
  private final long[] groupWeights;
  private final long[] groupSeeds;
  private final int[] groupBySlot;

  RendezvousGroups(MemberSlots members) {
    int groups = groups(members.size());
    starts = new int[groups + 1];
    slots = new int[members.size()];
    seeds = new long[members.size()];
    weights = new int[members.size()];
    groupWeights = new long[groups];
    groupSeeds = new long[groups];
    groupBySlot = new int[members.limit()];
    for (int i = 0; i < groups; i++) {
      groupSeeds[i] = Rendezvous.mix(GROUP_SALT + i);
    }
    count(members, groups);
    fill(members);
  }

  static int groups(int members) {
    return members <= ONE_GROUP ? 1 : Integer.highestOneBit((int) Math.sqrt(2.0 * members));
  }

  private void count(MemberSlots members, int groups) {
    for (int s = members.nextUsed(0); s >= 0; s = members.nextUsed(s + 1)) {
      int group = (int) (Rendezvous.mix(members.seed(s) ^ GROUP_SALT) & (groups - 1));
      groupBySlot[s] = group;
      starts[group + 1]++;
    }
    for (int i = 0; i < groups; i++) {
      starts[i + 1] += starts[i];
    }
  }

  private void fill(MemberSlots members) {
    int[] next = starts.clone();
    for (int s = members.nextUsed(0); s >= 0; s = members.nextUsed(s + 1)) {
      Member member = members.get(s);
      int at = next[groupBySlot[s]]++;
      slots[at] = s;
      seeds[at] = members.seed(s);
      weights[at] = member == null ? 0 : member.weight();
      groupWeights[groupBySlot[s]] += weights[at];
    }
  }

  int groupCount() {
    return groupWeights.length;
  }

  int groupOf(int slot) {
    return groupBySlot[slot];
  }

  /** The best group that has room, or -1. */
  int bestGroup(int shard, int[] roomByGroup) {
    int best = -1;
    double bestCost = Double.POSITIVE_INFINITY;
    for (int g = 0; g < roomByGroup.length; g++) {
      if (roomByGroup[g] > 0
          && !Rendezvous.cannotBeat(bestCost, groupSeeds[g], groupWeights[g], shard)) {
        double cost = Rendezvous.cost(groupSeeds[g], groupWeights[g], shard);
        if (cost < bestCost) {
          bestCost = cost;
          best = g;
        }
      }
    }
    return best;
  }

  /** The slot of a group's best member that has room, or -1. */
  int bestMember(int group, int shard, int[] roomBySlot) {
    int best = -1;
    double bestCost = Double.POSITIVE_INFINITY;
    for (int i = starts[group]; i < starts[group + 1]; i++) {
      if (roomBySlot[slots[i]] > 0
          && !Rendezvous.cannotBeat(bestCost, seeds[i], weights[i], shard)) {
        double cost = Rendezvous.cost(seeds[i], weights[i], shard);
        if (cost < bestCost) {
          bestCost = cost;
          best = slots[i];
        }
      }
    }
    return best;
  }
}
