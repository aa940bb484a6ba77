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

import org.tilekv.BatchPlan;
import org.tilekv.PlannedRows;

/** A plan that somebody opened; its state is guarded by the cache's lock. */
final class OpenPlan implements PlannedRows {

  private final Object lock;
  private final EvictionPolicy policy;
  private final PlanFuture future;

  /** Prepares the plan outside of the lock, which it then takes. */
  OpenPlan(Object lock, EvictionPolicy policy, BatchPlan plan) {
    this.lock = lock;
    this.policy = policy;
    future = new PlanFuture(plan);
    synchronized (lock) {
      policy.open(future);
    }
  }

  @Override
  public void reached(int position) {
    synchronized (lock) {
      policy.reached(future, position);
    }
  }

  @Override
  public void close() {
    synchronized (lock) {
      policy.close(future);
    }
  }
}
