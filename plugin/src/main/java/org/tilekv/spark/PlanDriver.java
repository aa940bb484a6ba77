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

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.spark.Dependency;
import org.apache.spark.NarrowDependency;
import org.apache.spark.rdd.RDD;
import org.apache.spark.storage.StorageLevel;
import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorView;
import org.tilekv.coordinator.plan.GroupShares;
import org.tilekv.coordinator.plan.JobPlanner;
import scala.jdk.javaapi.CollectionConverters;

/** What the planner of a job asks the driver: who is there, and whether planning may help. */
final class PlanDriver {

  /** A group of so small a part of the largest one's weight may run on other executors too. */
  static final int SMALL_PART = 4;

  /** Executors that such a group may run on at most: Spark keeps a list for each. */
  static final int MOST_PLACES = 8;

  private final Coordinator coordinator;
  private final PlacedRdd.Placement placement;
  private final PlanCounters counters;
  private final int cores;
  private List<ExecutorView> executors = List.of();

  /**
   * @param placement where partitions run without a plan
   * @param cores cores of the cluster, where no executor is known
   */
  PlanDriver(
      Coordinator coordinator, PlacedRdd.Placement placement, PlanCounters counters, int cores) {
    this.coordinator = coordinator;
    this.placement = placement;
    this.counters = counters;
    this.cores = Math.max(1, cores);
  }

  PlanCounters counters() {
    return counters;
  }

  /** Why a plan would not help these rows, or null. */
  @Nullable String whyNot(RDD<?> rows) {
    int partitions = rows.getNumPartitions();
    if (partitions == 0) {
      return "there are no rows";
    }
    if (partitions == 1 && alive().size() <= 1) {
      return "one partition runs on one executor";
    }
    return isGenerated(rows)
        ? "the rows are generated themselves, and planning would generate them twice; cache them"
            + " to have them planned"
        : null;
  }

  /** Whether reading the rows would run a model: there is no shuffle or cache in between. */
  private static boolean isGenerated(RDD<?> rows) {
    Set<Integer> seen = new HashSet<>();
    Deque<RDD<?>> open = new ArrayDeque<>(List.of(rows));
    while (!open.isEmpty()) {
      RDD<?> rdd = open.pop();
      if (rdd instanceof ShardedRdd) {
        return true;
      }
      if (!seen.add(rdd.id()) || !rdd.getStorageLevel().equals(StorageLevel.NONE())) {
        continue;
      }
      for (Dependency<?> dependency : CollectionConverters.asJava(rdd.dependencies())) {
        if (dependency instanceof NarrowDependency<?>) {
          open.push(dependency.rdd());
        }
      }
    }
    return false;
  }

  /** Executors in an order that lasts: the same rows meet the same tiles in the next job. */
  private List<ExecutorView> alive() {
    return coordinator.executors().stream()
        .filter(ExecutorView::placeable)
        .sorted(
            Comparator.comparingInt((ExecutorView e) -> e.executorId().length())
                .thenComparing(ExecutorView::executorId))
        .toList();
  }

  /** The groups that each executor is to get, as of now. */
  GroupShares shares(long rows) {
    executors = alive();
    int[] coresOf =
        executors.isEmpty()
            ? new int[] {cores}
            : executors.stream().mapToInt(e -> Math.max(1, e.cores())).toArray();
    return GroupShares.ofCores(coresOf, rows);
  }

  /** Where rows run that no plan has moved. */
  PlacedRdd.Placement placement() {
    return placement;
  }

  /**
   * Where the groups of a plan run that was made for {@link #shares}: where tiles of theirs are, as
   * {@link GroupExecutors} says. Small ones that have none anywhere are for whoever is free first.
   *
   * @param tileTokens tokens of a tile
   */
  PlacedRdd.Placement placement(JobPlanner.Planned planned, int tileTokens) {
    if (executors.isEmpty()) {
      return new PlannedPlacement(coordinator, List.of(), placement);
    }
    List<String> ids = executors.stream().map(ExecutorView::executorId).toList();
    GroupExecutors chosen = new GroupExecutors(coordinator, ids, planned, tileTokens);
    int[] executorOf = chosen.choose();
    int[] weights = planned.weightOfGroup();
    int largest = Arrays.stream(weights).max().orElse(1);
    List<List<String>> places = new ArrayList<>();
    for (int group = 0; group < executorOf.length; group++) {
      boolean pinned = chosen.isResident(group) || weights[group] * SMALL_PART > largest;
      places.add(from(ids, executorOf[group], pinned ? 1 : MOST_PLACES));
    }
    return new PlannedPlacement(coordinator, places, placement);
  }

  /** So many executors from one on, round the end. */
  private static List<String> from(List<String> ids, int first, int most) {
    return IntStream.range(0, Math.min(most, ids.size()))
        .mapToObj(i -> ids.get((first + i) % ids.size()))
        .toList();
  }
}
