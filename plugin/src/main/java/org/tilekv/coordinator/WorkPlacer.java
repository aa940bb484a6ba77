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

  private final List<Candidate> candidates;
  private final Map<String, Candidate> byId = new HashMap<>();
  // Tile -> where an earlier item of this call will leave it.
  private final Map<Long, Candidate> promised = new HashMap<>();
  private final double meanWeight;
  private final double boundPerWeight;
  // Of the item that is being placed.
  private long leastQueueTokens;

  /** An executor that work may go to, and what waits there. */
  static final class Candidate {
    final Member member;
    final long seed;
    long queueTokens;
    long placedTokens;

    Candidate(Member member, long queueTokens) {
      this.member = member;
      this.seed = Rendezvous.seed(member);
      this.queueTokens = queueTokens;
    }
  }

  /** An executor and the tokens of an item's prefix that it holds. */
  private record Resident(Candidate candidate, long tokens) {}

  /**
   * For one call.
   *
   * @param candidates executors whose heartbeats are fresh, at least one
   * @param items all items of the call, for the bound
   */
  WorkPlacer(List<Candidate> candidates, List<WorkItem> items) {
    this.candidates = candidates;
    candidates.forEach(candidate -> byId.put(candidate.member.executorId(), candidate));
    double weight = candidates.stream().mapToLong(c -> c.member.weight()).sum();
    double tokens =
        candidates.stream().mapToLong(c -> c.queueTokens).sum()
            + items.stream().mapToLong(WorkItem::costTokens).sum();
    meanWeight = weight / candidates.size();
    boundPerWeight = ShardPlacer.BOUND * tokens / weight;
  }

  /** Whether somebody holds tiles of the item, but nobody whose heartbeats are fresh. */
  boolean restsOnStaleNews(Map<String, Integer> leadingTiles) {
    return !leadingTiles.isEmpty() && leadingTiles.keySet().stream().noneMatch(byId::containsKey);
  }

  /**
   * Places one item.
   *
   * @param leadingTiles executors and how many leading tiles of the item each holds
   */
  Placement place(WorkItem item, Map<String, Integer> leadingTiles) {
    Map<Candidate, Long> saved = new HashMap<>();
    long most = 0;
    for (Map.Entry<String, Integer> holder : leadingTiles.entrySet()) {
      Candidate candidate = byId.get(holder.getKey());
      if (candidate != null) {
        long tokens = (long) holder.getValue() * item.tileTokens();
        saved.put(candidate, tokens);
        most = Math.max(most, tokens);
      }
    }
    Candidate best = best(item, saved, promisedTo(item));
    long savedThere = saved.getOrDefault(best, 0L);
    long queue = best.queueTokens;
    Placement placement =
        new Placement(
            Optional.of(best.member),
            reason(savedThere, most),
            savedThere,
            most,
            queue,
            leastQueueTokens);
    take(best, item, savedThere);
    return placement;
  }

  private static PlacementReason reason(long saved, long most) {
    if (most == 0) {
      return PlacementReason.NEW;
    }
    return saved == most ? PlacementReason.RESIDENT : PlacementReason.MOVED_FOR_LOAD;
  }

  private Resident promisedTo(WorkItem item) {
    Candidate first = item.tiles() == 0 ? null : promised.get(item.tile(0));
    int tiles = 0;
    while (first != null && tiles < item.tiles() && promised.get(item.tile(tiles)) == first) {
      tiles++;
    }
    return new Resident(
        first == null ? candidates.get(0) : first, (long) tiles * item.tileTokens());
  }

  private Candidate best(WorkItem item, Map<Candidate, Long> saved, Resident promise) {
    Candidate best = candidates.get(0);
    double bestScore = Double.NEGATIVE_INFINITY;
    leastQueueTokens = Long.MAX_VALUE;
    for (Candidate candidate : candidates) {
      leastQueueTokens = Math.min(leastQueueTokens, candidate.queueTokens);
      if (candidate.queueTokens > boundPerWeight * candidate.member.weight()) {
        continue;
      }
      long tokens = saved.isEmpty() ? 0 : saved.getOrDefault(candidate, 0L);
      if (candidate == promise.candidate) {
        tokens = Math.max(tokens, promise.tokens);
      }
      double score = score(candidate, item, tokens);
      if (score > bestScore || score == bestScore && wins(candidate, best, item)) {
        bestScore = score;
        best = candidate;
      }
    }
    return best;
  }

  private double score(Candidate candidate, WorkItem item, long saved) {
    return (saved - candidate.queueTokens - item.costTokens())
        * meanWeight
        / candidate.member.weight();
  }

  private static boolean wins(Candidate a, Candidate b, WorkItem item) {
    return Rendezvous.cost(a.seed, a.member.weight(), item.key())
        < Rendezvous.cost(b.seed, b.member.weight(), item.key());
  }

  private void take(Candidate candidate, WorkItem item, long saved) {
    long tokens = Math.max(0, item.costTokens() - saved);
    candidate.queueTokens += tokens;
    candidate.placedTokens += tokens;
    for (int i = 0; i < item.tiles(); i++) {
      promised.put(item.tile(i), candidate);
    }
  }
}
