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
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.Candidates.Candidate;

/**
 * Places work items: by score while the heartbeats of most executors are fresh, else by the shard
 * map. Decides on a snapshot, without the coordinator's lock; fields are guarded by it.
 */
final class WorkPlacement {

  private static final Logger LOG = LoggerFactory.getLogger(WorkPlacement.class);

  private final Coordinator coordinator;
  private final Object lock;
  private final ExecutorRegistry executors;
  private final PrefixDirectory directory;
  private final long staleMs;
  private final Map<PlacementReason, Long> counts = new EnumMap<>(PlacementReason.class);
  private PlacementMode mode = PlacementMode.SCORED;
  private long degradedSwitches;

  /**
   * For one coordinator.
   *
   * @param staleMs age from which a heartbeat is not rested on
   */
  WorkPlacement(
      Coordinator coordinator,
      Object lock,
      ExecutorRegistry executors,
      PrefixDirectory directory,
      long staleMs) {
    this.coordinator = coordinator;
    this.lock = lock;
    this.executors = executors;
    this.directory = directory;
    this.staleMs = staleMs;
  }

  List<Placement> place(List<WorkItem> items, long nowMs) {
    List<Candidate> fresh = new ArrayList<>();
    PlacementMode now = checkMode(nowMs);
    synchronized (lock) {
      for (Registration registration : executors.freshSince(nowMs - staleMs)) {
        fresh.add(new Candidate(registration.member(), registration.queueTokens()));
      }
    }
    MapPlacer byMap =
        new MapPlacer(
            () -> coordinator.shardMap(ShardMap.groupsFor(coordinator.placeable())), items);
    Candidates candidates = new Candidates(fresh);
    List<Placement> placements =
        now == PlacementMode.DEGRADED || fresh.isEmpty()
            ? items.stream().map(byMap::place).toList()
            : byScore(items, new WorkPlacer(candidates, items), byMap);
    Map<String, Long> placedTokens = new HashMap<>(byMap.placedTokens());
    candidates.placedTokens().forEach((id, tokens) -> placedTokens.merge(id, tokens, Long::sum));
    note(placements, placedTokens, nowMs);
    return placements;
  }

  private List<Placement> byScore(List<WorkItem> items, WorkPlacer byScore, MapPlacer byMap) {
    List<Placement> placements = new ArrayList<>(items.size());
    for (WorkItem item : items) {
      Map<String, Integer> leadingTiles;
      synchronized (lock) {
        leadingTiles = directory.leadingTiles(item);
      }
      placements.add(
          byScore.restsOnStaleNews(leadingTiles)
              ? byMap.place(item)
              : byScore.place(item, leadingTiles));
    }
    return placements;
  }

  private void note(List<Placement> placements, Map<String, Long> placedTokens, long nowMs) {
    Map<PlacementReason, Long> reasons = new EnumMap<>(PlacementReason.class);
    placements.forEach(placement -> reasons.merge(placement.reason(), 1L, Long::sum));
    synchronized (lock) {
      reasons.forEach((reason, count) -> counts.merge(reason, count, Long::sum));
      placedTokens.forEach(
          (id, tokens) -> {
            Registration registration = executors.get(id);
            if (registration != null) {
              registration.placed(tokens, nowMs);
            }
          });
    }
    LOG.info(
        "placed {} work items: {}; tokens that need not be computed: {}",
        placements.size(),
        reasons,
        placements.stream().mapToLong(Placement::tokensSaved).sum());
    if (LOG.isDebugEnabled()) {
      placements.forEach(placement -> LOG.debug("{}: {}", placement.reason(), placement.explain()));
    }
  }

  /** Sees which mode holds now, and says so once where it is another one than before. */
  PlacementMode checkMode(long nowMs) {
    int all;
    int fresh;
    boolean switched;
    PlacementMode now;
    synchronized (lock) {
      all = coordinator.placeable();
      fresh = executors.freshSince(nowMs - staleMs).size();
      now = 2 * fresh < all ? PlacementMode.DEGRADED : PlacementMode.SCORED;
      switched = now != mode;
      mode = now;
      degradedSwitches += switched && now == PlacementMode.DEGRADED ? 1 : 0;
    }
    if (switched && now == PlacementMode.DEGRADED) {
      LOG.warn(
          "placement is DEGRADED: {} of {} executors sent nothing for {} ms; work goes where the"
              + " shard map says, which may compute prefixes again, until they are heard of",
          all - fresh,
          all,
          staleMs);
    } else if (switched) {
      LOG.info("placement is SCORED again: {} of {} executors are heard of", fresh, all);
    }
    return now;
  }

  PlacementMode mode() {
    return mode;
  }

  long degradedSwitches() {
    return degradedSwitches;
  }

  Map<PlacementReason, Long> counts() {
    return counts;
  }
}
