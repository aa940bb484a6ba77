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
import org.tilekv.BatchPlan;

/**
 * How far the task of a plan has come, when it needs a tile next, and the droppable groups that it
 * needs before any other task does. Confined to the cache's lock.
 */
final class PlanFuture {

  /** By next use; none of them before {@link #reached}, once the policy has heard of that. */
  final NavigableSet<PlannedGroup> needed = new TreeSet<>(PlannedGroup.NEAREST_FIRST);

  private final BatchPlan plan;
  private final NameTable tiles;
  private int reached;

  PlanFuture(BatchPlan plan) {
    this.plan = plan;
    tiles = new NameTable(plan);
  }

  /** Position of the first row that may still need its tiles. */
  int reached() {
    return reached;
  }

  void reach(int position) {
    reached = Math.max(reached, position);
  }

  /** Position of the next row that uses a tile, or -1 where none does. */
  int nextUse(long name) {
    int tile = tiles.find(name);
    return tile < 0 ? -1 : plan.nextUse(tile, reached);
  }

  /** Rows of the task until a position is worked on. */
  int distance(int position) {
    return position - reached;
  }
}
