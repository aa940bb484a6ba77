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
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.LongAccumulator;
import org.jspecify.annotations.Nullable;
import org.tilekv.llm.Tokenizer;

/**
 * The prompts of a partition as {@link TokenRecord}s, one for each row, in order, in {@link
 * RecordChunks}.
 */
final class TokeniseRows implements FlatMapFunction<Iterator<Row>, byte[]> {
  private static final long serialVersionUID = 1L;

  private final GenerateSpec spec;
  private final LongAccumulator tokeniseNs;

  /**
   * @param tokeniseNs to add the time spent on tokenising to
   */
  TokeniseRows(GenerateSpec spec, LongAccumulator tokeniseNs) {
    this.spec = spec;
    this.tokeniseNs = tokeniseNs;
  }

  @Override
  public Iterator<byte[]> call(Iterator<Row> rows) throws Exception {
    if (!rows.hasNext()) {
      return Collections.emptyIterator();
    }
    TaskContext task = TaskContext.get();
    RuntimeLease lease = PlanningLease.acquire(spec, task);
    task.addTaskCompletionListener(
        done -> {
          lease.close();
        });
    return RecordChunks.pack(new Tokenised(rows, lease.runtime().tokenizer(), task));
  }

  /** Confined to the task's thread. */
  private final class Tokenised implements Iterator<byte[]> {
    private final Iterator<Row> rows;
    private final Tokenizer tokenizer;
    private final TaskContext task;
    private final TokenRecord record = new TokenRecord();

    Tokenised(Iterator<Row> rows, Tokenizer tokenizer, TaskContext task) {
      this.rows = rows;
      this.tokenizer = tokenizer;
      this.task = task;
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public byte[] next() {
      task.killTaskIfInterrupted();
      String prompt = spec.prompt(rows.next());
      long start = System.nanoTime();
      int @Nullable [] tokens = PromptPaths.tokens(tokenizer, prompt);
      tokeniseNs.add(System.nanoTime() - start);
      return record.encode(prompt, tokens);
    }
  }
}
