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

import org.tilekv.KvCache;
import org.tilekv.coordinator.plan.GroupUses;
import org.tilekv.coordinator.plan.JobPlan;

/**
 * Tells a cache which tiles the rows of one task need, and how far the task is. Confined to the
 * task's thread.
 */
final class PlanHandover implements AutoCloseable {

  private final GroupUses uses;
  private int lastRun = -1;
  private int rowsOfRun;

  private PlanHandover(GroupUses uses) {
    this.uses = uses;
  }

  /** Hands the plan of a group over. */
  static PlanHandover begin(KvCache cache, JobPlan plan, int group) {
    return new PlanHandover(GroupUses.of(plan, group));
  }

  /**
   * Says that all rows before one of this run are done. A run may have more rows than the plan knew
   * of: it never counts as over before the next one has begun.
   */
  void reached(int run) {
    rowsOfRun = run == lastRun ? rowsOfRun + 1 : 0;
    lastRun = run;
    int unused = uses.position(run, rowsOfRun);
  }

  @Override
  public void close() {}
}
