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

import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvCache;
import org.tilekv.coordinator.plan.JobPlan;
import org.tilekv.llm.Tokenizer;

/**
 * What the plan of a job says of the rows of one task; nothing where there is no plan. Confined to
 * the task's thread.
 */
final class PlannedTask implements AutoCloseable {

  private final @Nullable PlannedColumns columns;
  private final @Nullable JobPlan plan;
  private final KvCache cache;
  private boolean begun;
  private @Nullable PlanHandover handover;

  private PlannedTask(@Nullable PlannedColumns columns, @Nullable JobPlan plan, KvCache cache) {
    this.columns = columns;
    this.plan = plan;
    this.cache = cache;
  }

  static PlannedTask of(
      @Nullable PlannedColumns columns, @Nullable Broadcast<byte[]> plan, KvCache cache) {
    return new PlannedTask(columns, plan == null ? null : JobPlan.decode(plan.value()), cache);
  }

  /** The prompt's tokens: those that came with the row, or else new ones. */
  int[] tokens(Row row, Tokenizer tokenizer, String prompt) {
    int @Nullable [] tokens = columns == null ? null : columns.tokens(row);
    if (plan != null && columns != null && !begun) {
      begun = true;
      handover = PlanHandover.begin(cache, plan, plan.group(columns.run(row)));
    }
    return tokens == null ? tokenizer.encode(prompt) : tokens;
  }

  /** All rows before this one have their answers. */
  void reached(Row row) {
    if (handover != null && columns != null) {
      handover.reached(columns.run(row));
    }
  }

  /** The row with its answer. */
  Row answer(Row row, @Nullable String text) {
    if (columns != null) {
      return columns.answer(row, text);
    }
    @Nullable Object[] values = new Object[row.length() + 1];
    for (int i = 0; i < row.length(); i++) {
      values[i] = row.get(i);
    }
    values[row.length()] = text;
    return RowFactory.create(values);
  }

  @Override
  public void close() {
    if (handover != null) {
      handover.close();
    }
  }
}
