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
import org.apache.spark.api.java.function.FlatMapFunction2;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.plan.JobPlan;

/**
 * Gives each row of a partition its group, its run and its tokens: those that the planning pass has
 * left for it, or new ones where its prompt is not the one that was read then. What a row gets
 * depends on the row and the plan alone: a task that runs again sends it to the same group,
 * whatever the order of its input and whatever executor it runs on.
 */
final class RouteRows implements FlatMapFunction2<Iterator<Row>, Iterator<byte[]>, Row> {
  private static final long serialVersionUID = 1L;

  private final GenerateSpec spec;
  private final PlannedColumns columns;
  private final TileNaming naming;
  private final Broadcast<byte[]> plan;
  private final boolean comparable;

  /**
   * @param naming of the tiles that the plan names
   * @param comparable whether rows can be told to be equal ({@link RowDigest#coversAll})
   */
  RouteRows(
      GenerateSpec spec,
      PlannedColumns columns,
      TileNaming naming,
      Broadcast<byte[]> plan,
      boolean comparable) {
    this.comparable = comparable;
    this.spec = spec;
    this.columns = columns;
    this.naming = naming;
    this.plan = plan;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows, Iterator<byte[]> chunks) throws Exception {
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
    return new Routed(rows, RecordChunks.unpack(chunks), paths, JobPlan.decode(plan.value()), task);
  }

  /** The rows with their columns. Confined to the task's thread. */
  private final class Routed implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final Iterator<byte[]> records;
    private final PromptPaths paths;
    private final JobPlan jobPlan;
    private final TaskContext task;
    private final TokenRecord record = new TokenRecord();
    private final RowRanks ranks = new RowRanks(comparable);
    private long index;

    Routed(
        Iterator<Row> rows,
        Iterator<byte[]> records,
        PromptPaths paths,
        JobPlan jobPlan,
        TaskContext task) {
      this.rows = rows;
      this.records = records;
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
      byte @Nullable [] bytes = tokenBytes(spec.prompt(row));
      int @Nullable [] tokens = bytes == null ? null : TokenBytes.decode(bytes);
      int run = jobPlan.run(paths.path(tokens), () -> ranks.of(row));
      return columns.add(row, jobPlan.group(run), run, bytes, task.partitionId(), index++);
    }

    private byte @Nullable [] tokenBytes(@Nullable String prompt) {
      byte[] kept = records.hasNext() ? records.next() : TokenRecord.EMPTY;
      if (record.isOf(kept, prompt)) {
        return TokenRecord.tokenBytes(kept);
      }
      int @Nullable [] tokens = paths.tokens(prompt);
      return tokens == null ? null : TokenBytes.encode(tokens);
    }
  }
}
