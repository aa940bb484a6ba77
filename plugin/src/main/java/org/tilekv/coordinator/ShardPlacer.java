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
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Computes the next shard map from the last one and the members of now. Confined to one call.
 *
 * <ol>
 *   <li>A shard stays where it is while its executor is there.
 *   <li>Shards without an executor go, by weighted {@link Rendezvous} hashing, to the best executor
 *       that is below its bound: its share of the shards, rounded up, or 1.125 times the share.
 *   <li>An executor that is new takes shards from the fullest ones, at most its share and only
 *       while that evens the load out; of each it takes those that it wins most clearly.
 *   <li>An executor whose weight went down gives away what is above its bound.
 * </ol>
 *
 * <p>So a lost executor moves its own shards and no others, and a new one moves shards to itself
 * and nowhere else. That goes before the bound: when executors join, an old one may stay above its
 * new bound by what rounding makes of it, a shard or two. Cost: (shards without an executor) x
 * members, plus shards.
 */
final class ShardPlacer {

  /** How much more than its share an executor may get. */
  static final double BOUND = 1.125;

  private final ShardMap last;
  private final Map<String, Member> lastById = new HashMap<>();
  private final List<Member> members;
  private final long[] seeds;
  private final int[] weights;
  private final int[] shares;
  private final int[] bounds;
  private final int[] loads;
  private final int[] owners;

  private ShardPlacer(ShardMap last, List<Member> members) {
    this.last = last;
    last.members().forEach(member -> lastById.put(member.executorId(), member));
    this.members = members;
    this.seeds = members.stream().mapToLong(Rendezvous::seed).toArray();
    this.weights = members.stream().mapToInt(Member::weight).toArray();
    this.shares = new int[weights.length];
    this.bounds = new int[weights.length];
    this.loads = new int[weights.length];
    this.owners = new int[last.size()];
    long total = Arrays.stream(weights).asLongStream().sum();
    for (int i = 0; i < weights.length; i++) {
      double share = (double) last.size() * weights[i] / total;
      shares[i] = (int) Math.ceil(share);
      bounds[i] = Math.max(shares[i], (int) (BOUND * share));
    }
  }

  /** Members are taken in the order given; two of one id are not allowed. */
  static ShardMap place(ShardMap last, List<Member> members, long epoch) {
    ShardPlacer placer = new ShardPlacer(last, members);
    placer.keepOwners();
    if (!members.isEmpty()) {
      placer.trim();
      placer.placeOrphans();
      placer.feedNewMembers();
    }
    return new ShardMap(epoch, last.groups(), last.headShards(), members, placer.owners);
  }

  /** Bound of each member's load, by its place in the list. */
  static int[] bounds(ShardMap last, List<Member> members) {
    return new ShardPlacer(last, members).bounds;
  }

  private void keepOwners() {
    Map<String, Integer> places = new HashMap<>();
    for (int i = 0; i < members.size(); i++) {
      places.put(members.get(i).executorId(), i);
    }
    int[] newPlace = new int[last.members().size()];
    for (int i = 0; i < newPlace.length; i++) {
      newPlace[i] = places.getOrDefault(last.members().get(i).executorId(), ShardMap.UNASSIGNED);
    }
    for (int shard = 0; shard < owners.length; shard++) {
      int owner = last.ownerAt(shard);
      assign(shard, owner == ShardMap.UNASSIGNED ? owner : newPlace[owner]);
    }
  }

  private void assign(int shard, int owner) {
    owners[shard] = owner;
    if (owner != ShardMap.UNASSIGNED) {
      loads[owner]++;
    }
  }

  private void move(int shard, int to) {
    loads[owners[shard]]--;
    assign(shard, to);
  }

  private void placeOrphans() {
    for (int shard = 0; shard < owners.length; shard++) {
      if (owners[shard] == ShardMap.UNASSIGNED) {
        assign(shard, bestBelowBound(shard));
      }
    }
  }

  /** There is always one: the bounds add up to at least the number of shards. */
  private int bestBelowBound(int shard) {
    int best = ShardMap.UNASSIGNED;
    double bestCost = Double.POSITIVE_INFINITY;
    for (int i = 0; i < weights.length; i++) {
      if (loads[i] >= bounds[i] || Rendezvous.cannotBeat(bestCost, seeds[i], weights[i], shard)) {
        continue;
      }
      double cost = Rendezvous.cost(seeds[i], weights[i], shard);
      if (cost < bestCost) {
        bestCost = cost;
        best = i;
      }
    }
    return best;
  }

  private void feedNewMembers() {
    if (lastById.isEmpty()) {
      return;
    }
    List<List<Integer>> held = null;
    for (int i = 0; i < weights.length; i++) {
      if (!lastById.containsKey(members.get(i).executorId())) {
        held = held == null ? shardsByOwner() : held;
        feed(i, held);
      }
    }
  }

  private List<List<Integer>> shardsByOwner() {
    List<List<Integer>> held = new ArrayList<>();
    for (int ignored : weights) {
      held.add(new ArrayList<>());
    }
    for (int shard = 0; shard < owners.length; shard++) {
      held.get(owners[shard]).add(shard);
    }
    return held;
  }

  private void feed(int taker, List<List<Integer>> held) {
    while (loads[taker] < shares[taker]) {
      int giver = fullest();
      if ((double) (loads[taker] + 1) / weights[taker] >= (double) loads[giver] / weights[giver]) {
        return;
      }
      Integer shard = clearestWin(taker, held.get(giver));
      held.get(giver).remove(shard);
      held.get(taker).add(shard);
      move(shard, taker);
    }
  }

  private int fullest() {
    int fullest = 0;
    for (int i = 1; i < weights.length; i++) {
      if ((long) loads[i] * weights[fullest] > (long) loads[fullest] * weights[i]) {
        fullest = i;
      }
    }
    return fullest;
  }

  private Integer clearestWin(int taker, List<Integer> shards) {
    Integer best = shards.get(0);
    double bestCost = Double.POSITIVE_INFINITY;
    for (Integer shard : shards) {
      double cost = Rendezvous.cost(seeds[taker], weights[taker], shard);
      if (cost < bestCost) {
        bestCost = cost;
        best = shard;
      }
    }
    return best;
  }

  /** Takes back what is above the bound of a member that has less weight than before. */
  private void trim() {
    boolean[] lowered = new boolean[weights.length];
    for (int i = 0; i < weights.length; i++) {
      Member before = lastById.get(members.get(i).executorId());
      lowered[i] = before != null && before.weight() > weights[i];
    }
    for (int shard = owners.length - 1; shard >= 0; shard--) {
      int owner = owners[shard];
      if (owner != ShardMap.UNASSIGNED && lowered[owner] && loads[owner] > bounds[owner]) {
        loads[owner]--;
        owners[shard] = ShardMap.UNASSIGNED;
      }
    }
  }
}
