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

import java.util.Collections;
import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/** Work of one task: borrows the executor's runtime, keeps rows in flight, gives all of it back. */
final class GeneratePartition implements Function2<Integer, Iterator<Row>, Iterator<Row>> {
  private static final long serialVersionUID = 1L;

  private final GenerateSpec spec;
  private final @Nullable PlannedColumns columns;
  private final @Nullable Broadcast<byte[]> plan;

  /** For rows as they come. */
  GeneratePartition(GenerateSpec spec) {
    this(spec, null, null);
  }

  /** For rows that a plan has put into groups. */
  GeneratePartition(
      GenerateSpec spec, @Nullable PlannedColumns columns, @Nullable Broadcast<byte[]> plan) {
    this.spec = spec;
    this.columns = columns;
    this.plan = plan;
  }

  @Override
  public Iterator<Row> call(Integer partition, Iterator<Row> rows) throws Exception {
    if (!rows.hasNext()) {
      return Collections.emptyIterator();
    }
    TaskContext task = TaskContext.get();
    TileKvExecutor executor = TileKvExecutor.require();
    RuntimeLease lease =
        executor.acquire(spec.model(), task.taskAttemptId(), task::killTaskIfInterrupted);
    task.addTaskCompletionListener(
        done -> {
          lease.close();
          executor.reportNow();
        });
    int rowsInFlight = spec.rowsInFlight() > 0 ? spec.rowsInFlight() : executor.rowsInFlight();
    PlannedTask planned = PlannedTask.of(columns, plan, lease.runtime().cache());
    task.addTaskCompletionListener(
        done -> {
          planned.close();
        });
    return new GeneratedRows(rows, spec, rowsInFlight, lease, task, planned);
  }
}
