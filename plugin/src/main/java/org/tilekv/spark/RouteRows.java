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

import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.plan.JobPlan;

/**
 * Gives each row of a partition its group, its run and its tokens. What a row gets depends on the
 * row and the plan alone: a task that runs again sends it to the same group, whatever the order of
 * its input and whatever executor it runs on.
 */
final class RouteRows implements Function2<Integer, Iterator<Row>, Iterator<Row>> {
  private static final long serialVersionUID = 1L;

  private final GenerateSpec spec;
  private final PlannedColumns columns;
  private final TileNaming naming;
  private final Broadcast<byte[]> plan;

  /**
   * @param naming of the tiles that the plan names
   */
  RouteRows(GenerateSpec spec, PlannedColumns columns, TileNaming naming, Broadcast<byte[]> plan) {
    this.spec = spec;
    this.columns = columns;
    this.naming = naming;
    this.plan = plan;
  }

  @Override
  public Iterator<Row> call(Integer partition, Iterator<Row> rows) throws Exception {
    if (!rows.hasNext()) {
      return rows;
    }
    TaskContext task = TaskContext.get();
    RuntimeLease lease = PlanningLease.acquire(spec, task);
    task.addTaskCompletionListener(
        done -> {
          lease.close();
        });
    PromptPaths paths = new PromptPaths(lease.runtime().tokenizer(), naming, spec.salt());
    return new Routed(partition, rows, paths, JobPlan.decode(plan.value()), task);
  }

  /** The rows with their columns. Confined to the task's thread. */
  private final class Routed implements Iterator<Row> {
    private final int partition;
    private final Iterator<Row> rows;
    private final PromptPaths paths;
    private final JobPlan jobPlan;
    private final TaskContext task;
    private long index;

    Routed(
        int partition, Iterator<Row> rows, PromptPaths paths, JobPlan jobPlan, TaskContext task) {
      this.partition = partition;
      this.rows = rows;
      this.paths = paths;
      this.jobPlan = jobPlan;
      this.task = task;
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Row next() {
      task.killTaskIfInterrupted();
      Row row = rows.next();
      int at = spec.promptIndex();
      int @Nullable [] tokens = paths.tokens(row.isNullAt(at) ? null : row.getString(at));
      int run = jobPlan.run(paths.path(tokens), RowHash.of(row));
      byte @Nullable [] bytes = tokens == null ? null : TokenBytes.encode(tokens);
      return columns.add(row, jobPlan.group(run), run, bytes, partition, index++);
    }
  }
}
