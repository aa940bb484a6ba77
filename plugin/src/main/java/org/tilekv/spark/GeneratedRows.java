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

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;
import org.tilekv.engine.GenerationResult;
import org.tilekv.engine.GenerationTexts;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.llm.InvalidModelException;

/**
 * The rows of a partition with the generated text appended, in the order they came. Some rows run
 * at once, so that the engine can batch them. Confined to the task's thread, which alone pulls the
 * input and tokenises.
 */
final class GeneratedRows implements Iterator<Row> {

  private static final long POLL_MS = 200;

  private final Iterator<Row> input;
  private final GenerateSpec spec;
  private final int rowsInFlight;
  private final RuntimeLease lease;
  private final ModelRuntime runtime;
  private final TaskContext task;
  private final PlannedTask planned;
  private final ArrayDeque<Pending> inFlight = new ArrayDeque<>();
  private long nextIndex;

  /**
   * Rows without a plan.
   *
   * @param rowsInFlight most rows that are submitted at once
   */
  GeneratedRows(
      Iterator<Row> input,
      GenerateSpec spec,
      int rowsInFlight,
      RuntimeLease lease,
      TaskContext task) {
    this(
        input,
        spec,
        rowsInFlight,
        lease,
        task,
        PlannedTask.of(null, null, lease.runtime().cache()));
  }

  /**
   * @param rowsInFlight most rows that are submitted at once
   * @param planned what a plan says of the partition's rows
   */
  GeneratedRows(
      Iterator<Row> input,
      GenerateSpec spec,
      int rowsInFlight,
      RuntimeLease lease,
      TaskContext task,
      PlannedTask planned) {
    this.planned = planned;
    this.rowsInFlight = rowsInFlight;
    this.input = input;
    this.spec = spec;
    this.lease = lease;
    this.runtime = lease.runtime();
    this.task = task;
  }

  private record Pending(Row row, long index, CompletableFuture<GenerationResult> result) {}

  @Override
  public boolean hasNext() {
    while (inFlight.size() < rowsInFlight && input.hasNext()) {
      Row row = input.next();
      inFlight.addLast(new Pending(row, nextIndex++, submit(row)));
    }
    return !inFlight.isEmpty();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the partition has " + nextIndex + " rows");
    }
    Pending head = inFlight.removeFirst();
    planned.reached(head.row());
    return planned.answer(head.row(), text(head));
  }

  private CompletableFuture<GenerationResult> submit(Row row) {
    try {
      if (row.isNullAt(spec.promptIndex())) {
        throw new TileKvException("the prompt is null; it must be a string");
      }
      String prompt = row.getString(spec.promptIndex());
      int[] tokens = planned.tokens(row, runtime.tokenizer(), prompt);
      if (tokens.length == 0) {
        throw new TileKvException("the prompt has no tokens; it must have at least one");
      }
      long rowKey = RowKeys.of(row, spec.rowKeyIndex(), prompt);
      return runtime
          .engine()
          .submit(spec.request(task.taskAttemptId(), rowKey, tokens, runtime.config().eosTokens()));
    } catch (TileKvException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private @Nullable String text(Pending pending) {
    try {
      return GenerationTexts.text(
          await(pending.result()).best(), spec.stopStrings(), runtime.tokenizer());
    } catch (ExecutionException e) {
      Throwable why = Objects.requireNonNullElse(e.getCause(), e);
      lease.rowFailed(why);
      if (spec.nullOnError() && isRefusal(why)) {
        return null;
      }
      throw new TileKvException(where(pending) + ": " + why.getMessage(), why);
    } catch (CancellationException e) {
      task.killTaskIfInterrupted();
      throw new TileKvException(where(pending) + " was cancelled: the model was closed", e);
    }
  }

  /**
   * Whether the row can never run. What else goes wrong has a cause of its own: a failed step, or
   * an {@link Error} that closed the engine.
   */
  private static boolean isRefusal(Throwable why) {
    return why instanceof TileKvException
        && !(why instanceof InvalidModelException)
        && why.getCause() == null;
  }

  private GenerationResult await(CompletableFuture<GenerationResult> result)
      throws ExecutionException {
    while (true) {
      task.killTaskIfInterrupted();
      try {
        return result.get(POLL_MS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        // Look again whether the task was killed.
      } catch (InterruptedException e) {
        task.killTaskIfInterrupted();
        Thread.currentThread().interrupt();
        throw new TileKvException("the task's thread was interrupted", e);
      }
    }
  }

  private String where(Pending pending) {
    Row row = pending.row();
    String key = spec.rowKeyIndex() < 0 ? "" : " (row key " + row.get(spec.rowKeyIndex()) + ")";
    return "row " + pending.index() + " of partition " + task.partitionId() + key;
  }
}
