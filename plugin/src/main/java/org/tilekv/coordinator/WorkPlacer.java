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

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Chooses executors for work items, one after the other. The best executor is the one with the
 * highest score:
 *
 * <pre>
 * (tokens saved there - tokens queued there - tokens of the item) / its share of the cluster
 * </pre>
 *
 * among those that have not yet 1.125 times their share of all that is to do. Ties go by rendezvous
 * hashing. Items of one call that share a prefix attract each other as if the first one's tiles
 * were there already. Confined to one call; works on a snapshot, outside of the coordinator's lock.
 */
final class WorkPlacer {

  private static final double UNKNOWN = -1;

  private final Candidates candidates;
  // Tile -> the candidate where an earlier item of this call will leave it.
  private final Map<Long, Integer> promised = new HashMap<>();
  // One over the weight, relative to the mean weight.
  private final double[] slowness;
  private final double[] bounds;
  // Of the item that is being placed: tokens of its prefix, by candidate; what waits at the idlest.
  private final long[] saved;
  private long leastQueueTokens;

  /**
   * For one call.
   *
   * @param candidates executors whose heartbeats are fresh, at least one
   * @param items all items of the call, for the bound
   */
  WorkPlacer(Candidates candidates, List<WorkItem> items) {
    this.candidates = candidates;
    double weight = candidates.totalWeight();
    double tokens =
        candidates.totalQueueTokens() + items.stream().mapToLong(WorkItem::costTokens).sum();
    int count = candidates.size();
    slowness = new double[count];
    bounds = new double[count];
    saved = new long[count];
    for (int i = 0; i < count; i++) {
      slowness[i] = weight / count / candidates.weights[i];
      bounds[i] = ShardPlacer.BOUND * tokens * candidates.weights[i] / weight;
    }
  }

  /** Whether somebody holds tiles of the item, but nobody whose heartbeats are fresh. */
  boolean restsOnStaleNews(Map<String, Integer> leadingTiles) {
    return !leadingTiles.isEmpty()
        && leadingTiles.keySet().stream().allMatch(id -> candidates.indexOf(id) == Candidates.NONE);
  }

  /**
   * Places one item.
   *
   * @param leadingTiles executors and how many leading tiles of the item each holds
   */
  Placement place(WorkItem item, Map<String, Integer> leadingTiles) {
    Arrays.fill(saved, 0);
    long most = noteResident(item, leadingTiles);
    int promisedTiles = promisedTiles(item);
    int promisedTo = promisedTiles == 0 ? Candidates.NONE : promisedTo(item, promisedTiles - 1);
    long promisedTokens = (long) promisedTiles * item.tileTokens();
    int best = best(item, promisedTo, promisedTokens);
    long queue = candidates.queueTokens[best];
    long spared = best == promisedTo ? Math.max(saved[best], promisedTokens) : saved[best];
    candidates.take(best, Math.max(0, item.costTokens() - spared));
    for (int i = 0; i < item.tiles(); i++) {
      promised.put(item.tile(i), best);
    }
    return new Placement(
        Optional.of(candidates.member(best)),
        reason(saved[best], most),
        saved[best],
        most,
        queue,
        leastQueueTokens);
  }

  private static PlacementReason reason(long saved, long most) {
    if (most == 0) {
      return PlacementReason.NEW;
    }
    return saved == most ? PlacementReason.RESIDENT : PlacementReason.MOVED_FOR_LOAD;
  }

  /** Returns the most that a candidate holds. */
  private long noteResident(WorkItem item, Map<String, Integer> leadingTiles) {
    long most = 0;
    for (Map.Entry<String, Integer> holder : leadingTiles.entrySet()) {
      int index = candidates.indexOf(holder.getKey());
      if (index != Candidates.NONE) {
        saved[index] = (long) holder.getValue() * item.tileTokens();
        most = Math.max(most, saved[index]);
      }
    }
    return most;
  }

  private int promisedTo(WorkItem item, int tile) {
    return promised.getOrDefault(item.tile(tile), Candidates.NONE);
  }

  /**
   * Leading tiles that earlier items of this call have: whoever gets the deepest one gets those
   * before it as well, while a short prefix may be promised to another since.
   */
  private int promisedTiles(WorkItem item) {
    int tiles = 0;
    while (tiles < item.tiles() && promisedTo(item, tiles) != Candidates.NONE) {
      tiles++;
    }
    return tiles;
  }

  private int best(WorkItem item, int promisedTo, long promisedTokens) {
    int best = Candidates.NONE;
    double bestScore = Double.NEGATIVE_INFINITY;
    double bestCost = UNKNOWN;
    leastQueueTokens = Long.MAX_VALUE;
    for (int i = 0; i < saved.length; i++) {
      long queue = candidates.queueTokens[i];
      leastQueueTokens = Math.min(leastQueueTokens, queue);
      long tokens = i == promisedTo ? Math.max(saved[i], promisedTokens) : saved[i];
      double score = (tokens - queue - item.costTokens()) * slowness[i];
      if (score < bestScore || queue > bounds[i]) {
        continue;
      }
      double cost = UNKNOWN;
      if (score == bestScore) {
        bestCost = bestCost == UNKNOWN ? tieCost(best, item) : bestCost;
        cost = tieCost(i, item, bestCost);
      }
      if (score > bestScore || cost < bestCost) {
        bestScore = score;
        bestCost = cost;
        best = i;
      }
    }
    return Math.max(0, best);
  }

  private double tieCost(int candidate, WorkItem item) {
    return tieCost(candidate, item, Double.POSITIVE_INFINITY);
  }

  /** Infinite where it is certainly not below {@code best}. */
  private double tieCost(int candidate, WorkItem item, double best) {
    long seed = candidates.seeds[candidate];
    int weight = candidates.weights[candidate];
    return Rendezvous.cannotBeat(best, seed, weight, item.key())
        ? Double.POSITIVE_INFINITY
        : Rendezvous.cost(seed, weight, item.key());
  }
}
