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
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.OpenedResources;
import org.tilekv.TileKvException;
import org.tilekv.engine.CellException;
import org.tilekv.engine.CellModel;
import org.tilekv.engine.CellSession;
import org.tilekv.engine.HeadShard;
import scala.Tuple2;

/**
 * One task as a member of a cell, from meeting the others to leaving them. Whatever goes wrong in
 * one member fails its task, and with it, by Spark, the stage, which starts again as a whole.
 * Confined to the task's thread.
 */
final class CellRun implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(CellRun.class);

  /** Until all members have their weights and room for their tiles. */
  private static final long BEGIN_LIMIT_MS = TimeUnit.MINUTES.toMillis(10);

  private final TileKvExecutor executor;
  private final BarrierTaskContext task;
  private final GenerateSpec spec;
  private final CellLayout layout;
  private final OpenedResources opened = new OpenedResources();
  private @Nullable RuntimeLease lease;
  private @Nullable CellSession session;

  CellRun(TileKvExecutor executor, BarrierTaskContext task, GenerateSpec spec, CellLayout layout) {
    this.executor = executor;
    this.task = task;
    this.spec = spec;
    this.layout = layout;
  }

  /** Meets the other members and takes this member's part of the model. */
  void begin(long limitMs) {
    int rank = layout.rank(task.partitionId());
    CellEndpoint endpoint = opened.add(executor.cells().open(rank, layout.shards()));
    CellRoster roster = meet(endpoint);
    Runnable patience = patience();
    try {
      HeadShard shard = executor.members().take(spec.model(), rank, layout.shards());
      opened.add(() -> executor.members().giveBack(spec.model(), shard));
      RuntimeLease leased =
          opened.add(
              executor.acquireMember(spec.model(), shard, roster, task.taskAttemptId(), patience));
      lease = leased;
      CellModel model = (CellModel) leased.runtime();
      List<CellMember> cell = roster.cellOf(task.partitionId());
      session = opened.add(model.join(endpoint.connect(cell, limitMs), patience));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TileKvException("the task's thread was interrupted", e);
    }
    LOG.info("member {} of cell {}: {}", rank, layout.cell(task.partitionId()), roster);
  }

  private CellRoster meet(CellEndpoint endpoint) {
    CellMember own =
        new CellMember(
            executor.executorId(),
            endpoint.host(),
            endpoint.port(),
            endpoint.id(),
            executor.poolBytes());
    return new CellRoster(task.allGather(own.toText()), layout.shards());
  }

  /** Ends a wait where the task was killed, or where it takes too long. */
  private Runnable patience() {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(BEGIN_LIMIT_MS);
    return () -> {
      task.killTaskIfInterrupted();
      if (System.nanoTime() > end) {
        throw new CellException(
            "the members of a cell did not all get their part of "
                + spec.model()
                + " within "
                + BEGIN_LIMIT_MS
                + " ms; jobs that run at the same time need pools that fit side by side");
      }
    };
  }

  /** The cell's rows with their answers; of a member that does not lead none, when all is done. */
  Iterator<Tuple2<Long, Row>> rows(Iterator<Tuple2<Long, Row>> input) {
    CellSession joined = session;
    RuntimeLease leased = lease;
    if (joined == null || leased == null) {
      throw new IllegalStateException("the member has not begun");
    }
    if (!joined.leads()) {
      joined.follow(task::killTaskIfInterrupted);
      close();
      return Collections.emptyIterator();
    }
    int rowsInFlight = spec.rowsInFlight() > 0 ? spec.rowsInFlight() : executor.rowsInFlight();
    return new KeyedRows(
        input,
        rows -> new GeneratedRows(rows, spec, rowsInFlight, leased, task),
        () -> {
          joined.finish();
          close();
        });
  }

  /** Leaves the cell and gives everything back; the second time it does nothing. */
  @Override
  public void close() {
    boolean had = lease != null;
    lease = null;
    opened.close();
    if (had) {
      executor.reportNow();
    }
  }
}
