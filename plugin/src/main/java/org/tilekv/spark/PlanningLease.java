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

import org.apache.spark.TaskContext;

/** The model of a job for a task that only tokenises and names: the task after it needs it too. */
final class PlanningLease {

  private PlanningLease() {}

  static RuntimeLease acquire(GenerateSpec spec, TaskContext task) throws InterruptedException {
    return TileKvExecutor.require()
        .acquire(spec.model(), task.taskAttemptId(), task::killTaskIfInterrupted);
  }
}
