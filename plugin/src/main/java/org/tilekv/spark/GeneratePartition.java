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
import org.apache.spark.sql.Row;

/** Work of one task: borrows the executor's runtime, keeps rows in flight, gives all of it back. */
final class GeneratePartition implements Function2<Integer, Iterator<Row>, Iterator<Row>> {
  private static final long serialVersionUID = 1L;

  private final GenerateSpec spec;

  GeneratePartition(GenerateSpec spec) {
    this.spec = spec;
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
    return new GeneratedRows(rows, spec, rowsInFlight, lease, task);
  }
}
