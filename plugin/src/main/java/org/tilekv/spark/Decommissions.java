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

import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.TaskScheduler;
import org.apache.spark.scheduler.TaskSchedulerImpl;

/** Which executors the cluster manager is about to take away, as Spark's scheduler knows it. */
final class Decommissions {

  private Decommissions() {}

  /** Those of the executors that are being decommissioned. */
  static List<String> among(SparkContext context, List<String> executorIds) {
    TaskScheduler scheduler = context.taskScheduler();
    if (!(scheduler instanceof TaskSchedulerImpl known)) {
      return List.of();
    }
    return executorIds.stream()
        .filter(id -> known.getExecutorDecommissionState(id).isDefined())
        .toList();
  }
}
