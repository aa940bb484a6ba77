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
package org.tilekv.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.Placement;
import org.tilekv.coordinator.WorkItem;
import org.tilekv.coordinator.plan.JobPlanner;

/**
 * Chooses the executor of each group of a plan: where its prefix is resident, by {@link
 * Coordinator#place}, else the one that the plan cut it for. Each executor gets as many groups of
 * each weight as the plan gave it, so that its load is the plan's; where nothing is resident the
 * plan stays as it is. Confined to one call.
 */
final class GroupExecutors {

  private static final Logger LOG = LoggerFactory.getLogger(GroupExecutors.class);
  private static final int NONE = -1;

  private final Coordinator coordinator;
  private final List<String> ids;
  private final int[] planned;
  private final List<long[]> paths;
  private final int tileTokens;
  private final int[] chosen;
  private final boolean[] resident;
  // Of each group its weight's place in the rooms.
  private final int[] weights;
  // Groups that each executor is still to get, by weight.
  private final int[][] room;

  /**
   * For one plan.
   *
   * @param ids Spark's ids of the executors that the plan numbers
   * @param tileTokens tokens of a tile
   */
  GroupExecutors(
      Coordinator coordinator, List<String> ids, JobPlanner.Planned planned, int tileTokens) {
    this.coordinator = coordinator;
    this.ids = ids;
    this.planned = planned.executorOfGroup();
    this.paths = planned.plan().mostSharedPaths();
    this.tileTokens = tileTokens;
    chosen = new int[this.planned.length];
    Arrays.fill(chosen, NONE);
    resident = new boolean[chosen.length];
    int[] distinct = Arrays.stream(planned.weightOfGroup()).distinct().sorted().toArray();
    weights =
        Arrays.stream(planned.weightOfGroup())
            .map(weight -> Arrays.binarySearch(distinct, weight))
            .toArray();
    room = new int[ids.size()][distinct.length];
    for (int group = 0; group < chosen.length; group++) {
      room[this.planned[group]][weights[group]]++;
    }
  }

  /** The executor of each group, as a place in the ids. */
  int[] choose() {
    takeResident();
    for (int group = 0; group < chosen.length; group++) {
      take(group, planned[group]);
    }
    for (int group = 0; group < chosen.length; group++) {
      for (int executor = 0; chosen[group] == NONE; executor++) {
        take(group, executor);
      }
    }
    return chosen.clone();
  }

  /** Whether the group goes where tiles of its prefix are; to be asked when all are chosen. */
  boolean isResident(int group) {
    return resident[group];
  }

  /** Gives the group to the executor if neither is taken. */
  private void take(int group, int executor) {
    if (chosen[group] == NONE && room[executor][weights[group]] > 0) {
      chosen[group] = executor;
      room[executor][weights[group]]--;
    }
  }

  private void takeResident() {
    List<Integer> groups = new ArrayList<>();
    List<WorkItem> items = new ArrayList<>();
    for (int group = 0; group < planned.length; group++) {
      long[] path = paths.get(group);
      if (path.length > 0 && isHeld(path[0])) {
        groups.add(group);
        // The rest of a group costs the same everywhere, and each executor gets its share of that.
        items.add(new WorkItem(path, tileTokens, (long) path.length * tileTokens));
      }
    }
    if (items.isEmpty()) {
      return;
    }
    List<Placement> placements = coordinator.place(items);
    for (int i = 0; i < placements.size(); i++) {
      int executor = executor(groups.get(i), placements.get(i));
      if (executor != NONE) {
        take(groups.get(i), executor);
        resident[groups.get(i)] = chosen[groups.get(i)] == executor;
      }
    }
    LOG.info(
        "{} of {} groups run where tiles of their prefix are",
        Arrays.stream(chosen).filter(executor -> executor != NONE).count(),
        chosen.length);
  }

  private boolean isHeld(long tile) {
    return coordinator.holders(tile).stream().anyMatch(ids::contains);
  }

  /** Of a placement that saves tokens; the planned executor where that holds the prefix as well. */
  private int executor(int group, Placement placement) {
    if (placement.tokensSaved() == 0) {
      return NONE;
    }
    long[] path = paths.get(group);
    String plannedId = ids.get(planned[group]);
    return coordinator.holders(path[path.length - 1]).contains(plannedId)
        ? planned[group]
        : placement.executor().map(member -> ids.indexOf(member.executorId())).orElse(NONE);
  }
}
