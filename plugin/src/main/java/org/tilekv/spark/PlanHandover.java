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

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.BatchPlan;
import org.tilekv.KvCache;
import org.tilekv.PlannedRows;
import org.tilekv.coordinator.plan.GroupUses;
import org.tilekv.coordinator.plan.JobPlan;

/**
 * Tells a cache which tiles the rows of one task need, and how far the task is. Confined to the
 * task's thread.
 */
final class PlanHandover implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PlanHandover.class);

  private final GroupUses uses;
  private final PlannedRows rows;
  private int lastRun = -1;
  private int rowsOfRun;

  private PlanHandover(GroupUses uses, PlannedRows rows) {
    this.uses = uses;
    this.rows = rows;
  }

  /** Hands the plan of a group over; null where the cache does not take it. */
  static @Nullable PlanHandover begin(KvCache cache, JobPlan plan, int group) {
    try {
      GroupUses uses = GroupUses.of(plan, group);
      BatchPlan part = new BatchPlan(uses.tileNames(), uses.usesByTile());
      return new PlanHandover(uses, cache.plan(part));
    } catch (RuntimeException e) {
      LOG.warn("the cache takes no plan; it evicts as without one", e);
      return null;
    }
  }

  /**
   * Says that all rows before one of this run are done. A run may have more rows than the plan knew
   * of: it never counts as over before the next one has begun.
   */
  void reached(int run) {
    rowsOfRun = run == lastRun ? rowsOfRun + 1 : 0;
    lastRun = run;
    rows.reached(uses.position(run, rowsOfRun));
  }

  @Override
  public void close() {
    rows.close();
  }
}
