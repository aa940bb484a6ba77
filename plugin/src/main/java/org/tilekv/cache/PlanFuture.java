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
package org.tilekv.cache;

import java.util.NavigableSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.tilekv.BatchPlan;

/**
 * How far the task of a plan has come, when it needs a tile next, and the droppable groups that it
 * needs before any other task does. Confined to the cache's lock.
 */
final class PlanFuture {

  /** By next use; none of them before {@link #reached}, once the policy has heard of that. */
  final NavigableSet<PlannedGroup> needed = new TreeSet<>(PlannedGroup.NEAREST_FIRST);

  // Rows over which the pace is averaged.
  private static final double PACE_ROWS = 128;
  private static final double LEAST_PACE = 1.0 / 1024;

  private final BatchPlan plan;
  private final NameTable tiles;
  private int reached;
  private double pace;
  // Rows from there on that hold all they need: not many more than are in flight.
  private final NavigableSet<Integer> held = new TreeSet<>();

  PlanFuture(BatchPlan plan) {
    this.plan = plan;
    tiles = new NameTable(plan);
  }

  /** Position of the first row that may still need its tiles. */
  int reached() {
    return reached;
  }

  void reach(int position) {
    if (position > reached) {
      held.headSet(position).clear();
      reached = position;
    }
  }

  /** The row at a position that is ahead holds all it needs: it is no use to come any more. */
  void hold(int position) {
    held.add(position);
    while (held.remove(reached)) {
      reached++;
    }
  }

  /** Position of the next row that has yet to find a tile, or -1 where none needs it. */
  int nextUse(long name) {
    int tile = tiles.find(name);
    int position = tile < 0 ? -1 : plan.nextUse(tile, reached);
    while (position >= 0 && held.contains(position)) {
      position = plan.nextUse(tile, position + 1);
    }
    return position;
  }

  /** A group whose next use is at a position, or null. */
  @Nullable PlannedGroup firstAt(int position) {
    PlannedGroup first = needed.ceiling(PlannedGroup.before(position));
    return first != null && first.position == position ? first : null;
  }

  /** One more row of some task begins: of this one, or of another. */
  void begun(boolean ownRow) {
    pace += ((ownRow ? 1 : 0) - pace) / PACE_ROWS;
  }

  /** One of so many tasks was opened: this one, or another. */
  void opened(boolean ownTask, int tasks) {
    pace = ownTask ? 1.0 / tasks : pace * (tasks - 1) / tasks;
  }

  /** Rows of all tasks that begin, as it seems, before the one at a position. */
  double distance(int position) {
    return (position - reached - held.size()) / Math.max(pace, LEAST_PACE);
  }
}
