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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorView;

/** Sees which executors are about to be taken away: Spark tells no listener until they are gone. */
final class Decommissions {

  /** Executors may leave a second after they were told to. */
  static final long POLL_MS = 200;

  private static final Logger LOG = LoggerFactory.getLogger(Decommissions.class);

  private final SparkContext context;
  private final Coordinator coordinator;

  Decommissions(SparkContext context, Coordinator coordinator) {
    this.context = context;
    this.coordinator = coordinator;
  }

  /** Looks once. */
  void poll() {
    TaskScheduler scheduler = context.taskScheduler();
    if (scheduler instanceof TaskSchedulerImpl known) {
      alive(coordinator.executors()).forEach(id -> poll(known, id));
    }
  }

  private static List<String> alive(List<ExecutorView> executors) {
    return executors.stream()
        .filter(view -> view.state() == ExecutorView.State.ALIVE)
        .map(ExecutorView::executorId)
        .toList();
  }

  private void poll(TaskSchedulerImpl scheduler, String executorId) {
    if (scheduler.getExecutorDecommissionState(executorId).isDefined()
        && coordinator.executorLeaving(executorId)) {
      LOG.info("executor {} is about to leave", executorId);
    }
  }
}
