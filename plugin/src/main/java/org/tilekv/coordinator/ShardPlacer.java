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

import java.util.BitSet;
import java.util.Collection;
import java.util.List;

/**
 * Brings a map's table in line with the members of now, after some left and some came. Confined to
 * one call.
 *
 * <ol>
 *   <li>A shard stays where it is while its executor is there.
 *   <li>Shards without an executor go, by weighted rendezvous hashing ({@link RendezvousGroups}),
 *       to the best executor that is below its bound: its share of the shards, rounded up, or 1.125
 *       times the share.
 *   <li>An executor that is new takes shards from the fullest ones, at most its share and only
 *       while that evens the load out; of each it takes those that it wins most clearly.
 *   <li>An executor whose weight went down gives away what is above its bound.
 * </ol>
 *
 * <p>So a lost executor moves its own shards and no others, and a new one moves shards to itself
 * and nowhere else. That goes before the bound: when executors join, an old one may stay above its
 * new bound by what rounding makes of it, a shard or two.
 *
 * <p>Cost: members, plus (shards that move) x (the root of members). Shards that stay cost nothing.
 */
final class ShardPlacer {

  /** How much more than its share an executor may get. */
  static final double BOUND = 1.125;

  private final ShardTable table;
  private final MemberSlots members;
  private final RendezvousGroups rendezvous;
  // What each slot may still take, and how many slots of a group may take something.
  private final int[] room;
  private final int[] openSlots;

  private ShardPlacer(ShardTable table, MemberSlots members, RendezvousGroups rendezvous) {
    this.table = table;
    this.members = members;
    this.rendezvous = rendezvous;
    room = new int[members.limit()];
    openSlots = new int[rendezvous.groupCount()];
    for (int s = members.nextUsed(0); s >= 0; s = members.nextUsed(s + 1)) {
      room[s] = bound(table.size(), members, s) - table.load(s);
      openSlots[rendezvous.groupOf(s)] += room[s] > 0 ? 1 : 0;
    }
  }

  /** Most shards that a slot should get. */
  static int bound(int shards, MemberSlots members, int slot) {
    double share = share(shards, members, slot);
    return Math.max((int) Math.ceil(share), (int) (BOUND * share));
  }

  private static double share(int shards, MemberSlots members, int slot) {
    return (double) shards * weight(members, slot) / members.totalWeight();
  }

  private static int weight(MemberSlots members, int slot) {
    Member member = members.get(slot);
    return member == null ? 0 : member.weight();
  }

  /**
   * Moves what must move.
   *
   * @param orphans shards that were taken from slots that are gone; ignored where nothing is
   *     assigned yet
   * @param lowered slots whose weight went down
   * @param joined slots that are new
   */
  static void place(
      ShardTable table,
      MemberSlots members,
      RendezvousGroups rendezvous,
      List<int[]> orphans,
      Collection<Integer> lowered,
      Collection<Integer> joined) {
    table.ensureSlots(members.limit());
    if (members.size() == 0) {
      table.clear();
      return;
    }
    boolean first = !table.assigned() && orphans.isEmpty();
    ShardPlacer placer = new ShardPlacer(table, members, rendezvous);
    if (first) {
      placer.placeAll();
      return;
    }
    orphans.forEach(placer::placeOrphans);
    lowered.forEach(placer::trim);
    joined.forEach(placer::feed);
  }

  private void placeAll() {
    for (int shard = 0; shard < table.size(); shard++) {
      placeOrphan(shard);
    }
  }

  private void placeOrphans(int[] shards) {
    for (int shard : shards) {
      placeOrphan(shard);
    }
  }

  /** There is always a place: the bounds add up to at least the number of shards. */
  private void placeOrphan(int shard) {
    int group = rendezvous.bestGroup(shard, openSlots);
    assign(shard, rendezvous.bestMember(group, shard, room));
  }

  private void assign(int shard, int slot) {
    table.assign(shard, slot);
    room[slot]--;
    if (room[slot] == 0) {
      openSlots[rendezvous.groupOf(slot)]--;
    }
  }

  private void released(int slot) {
    room[slot]++;
    if (room[slot] == 1) {
      openSlots[rendezvous.groupOf(slot)]++;
    }
  }

  private void trim(int slot) {
    while (room[slot] < 0) {
      int shard = table.take(slot, table.load(slot) - 1);
      released(slot);
      placeOrphan(shard);
    }
  }

  private void feed(int taker) {
    FullestFirst fullest = new FullestFirst(members, table, taker);
    int share = (int) Math.ceil(share(table.size(), members, taker));
    int weight = weight(members, taker);
    // Givers whose shards are in order, the one that the taker wins most clearly last.
    BitSet sorted = new BitSet();
    while (table.load(taker) < share && fullest.top() != MemberSlots.NONE) {
      int giver = fullest.top();
      long after = (table.load(taker) + 1L) * weight(members, giver);
      if (after >= (long) table.load(giver) * weight) {
        return;
      }
      if (!sorted.get(giver)) {
        sorted.set(giver);
        table.sortHeld(giver, shard -> Rendezvous.cost(members.seed(taker), weight, shard));
      }
      int shard = table.take(giver, table.load(giver) - 1);
      released(giver);
      assign(shard, taker);
      fullest.topLowered();
    }
  }
}
