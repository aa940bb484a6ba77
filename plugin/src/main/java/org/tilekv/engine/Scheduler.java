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
package org.tilekv.engine;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvCache;
import org.tilekv.ProcessFatal;
import org.tilekv.TileKvException;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.TokenDecoder;

/**
 * The engine's work, step by step: drop what was cancelled, admit what fits, make room, run the
 * decoder once, take its logits in.
 *
 * <p>When the pool has no room for a running row, the youngest one is set back: closed, and queued
 * again with the tokens that it has. The oldest row is never set back for another one, so it always
 * gets on; a row that finds no room alone fails. Confined to the engine's thread.
 */
final class Scheduler {
  private static final long LEASE_INTERVAL_NS = TimeUnit.SECONDS.toNanos(1);

  private final Decoder decoder;
  private final @Nullable TokenDecoder chooser;
  private final KvCache cache;
  private final EngineCounters counters;
  private final LongSupplier nanoClock;
  private final Admission admission;
  private final RunningRows running;
  private final StepPlan plan;
  private final PrefixLoads loads;
  private float[] logits = new float[0];
  private int[] tokens = new int[0];
  private long leasesRenewedNs;

  Scheduler(
      Decoder decoder,
      KvCache cache,
      EngineConfig config,
      EngineCounters counters,
      LongSupplier nanoClock,
      PrefixLoads loads) {
    this.decoder = decoder;
    this.chooser = decoder instanceof TokenDecoder both ? both : null;
    this.cache = cache;
    this.counters = counters;
    this.nanoClock = nanoClock;
    this.loads = loads;
    this.admission = new Admission(cache, config, counters, nanoClock, loads);
    this.running = new RunningRows(counters);
    this.plan = new StepPlan(config, Chosen.by(chooser));
    this.leasesRenewedNs = nanoClock.getAsLong();
  }

  void enqueue(Row row) {
    admission.enqueue(row);
  }

  boolean idle() {
    return admission.isEmpty() && running.isEmpty();
  }

  /** How long the engine has nothing to do unless it is woken, at most {@code mostMs}. */
  long restMs(long mostMs) {
    return idle() ? mostMs : running.isEmpty() ? admission.restMs(mostMs) : 0;
  }

  /** Runs one step; an {@link Error} or a {@link ProcessFatal} leaves everything as it is. */
  void step() {
    running.dropCancelled();
    renewLeases();
    admission.admit(running);
    reserve();
    plan.fill(running.oldestFirst(), counters);
    long start = loads.active() ? nanoClock.getAsLong() : 0;
    if (!plan.rows().isEmpty() && forward()) {
      takeIn();
      tellSpeed(start);
    }
  }

  /** Loads have to beat the computation of prompts: steps that mostly do so tell how fast it is. */
  private void tellSpeed(long startNs) {
    if (loads.active() && 2 * plan.chunkTokens() > plan.tokens()) {
      loads.computed(plan.tokens(), nanoClock.getAsLong() - startNs);
    }
  }

  /** Takes cancelled rows out of the queue; a step does so for the running ones. */
  void dropCancelled() {
    running.dropCancelled();
    admission.dropCancelled();
  }

  /** Keeps the running rows' pages and lets go of those that nobody asks for any more. */
  void renewLeases() {
    long now = nanoClock.getAsLong();
    if (now - leasesRenewedNs >= LEASE_INTERVAL_NS) {
      leasesRenewedNs = now;
      running.oldestFirst().forEach(row -> row.sequence().renewLease());
      cache.expireLeases();
    }
  }

  /** Makes room for the next step's tokens, oldest row first. */
  private void reserve() {
    List<Row> rows = running.oldestFirst();
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      try {
        while (row.running() && !row.sequence().reserve(row.nextLength())) {
          setBackYoungest(row);
        }
      } catch (RuntimeException e) {
        running.fail(row, e);
      }
      if (!row.running()) {
        i--;
      }
    }
  }

  private void setBackYoungest(Row needy) {
    Row youngest = running.youngest();
    if (youngest == needy && running.oldestFirst().size() == 1 && !admission.loading()) {
      throw new TileKvException(
          needy
              + " found no room for "
              + needy.nextLength()
              + " positions in "
              + needy.slots()
              + " beams although no other row runs; the pool has "
              + cache.stats().pages()
              + " pages of "
              + cache.geometry().tileTokens()
              + " tokens of one KV head");
    }
    counters.preemptions.increment();
    running.setBack(youngest);
    admission.requeue(youngest);
  }

  /** Runs the step; a decoder that chooses tokens runs it beside the bookkeeping. */
  private boolean forward() {
    ensureOutputs();
    try {
      if (chooser == null) {
        decoder.step(plan.batch(), logits);
      } else {
        chooser.start(plan.batch());
      }
    } catch (RuntimeException e) {
      if (ProcessFatal.in(e) != null) {
        throw e;
      }
      failStep(e);
      return false;
    }
    Map<Row, RuntimeException> failures = chooser == null ? commit() : commitBeside(chooser);
    failures.forEach(running::fail);
    counters.steps.increment();
    return true;
  }

  /**
   * Commits while the step runs, and waits for its end whatever happens: it uses the rows' pages.
   */
  private Map<Row, RuntimeException> commitBeside(TokenDecoder step) {
    Map<Row, RuntimeException> failures;
    try {
      failures = commit();
      reserveAhead(failures);
    } catch (Throwable failure) {
      try {
        step.finish(logits, tokens);
      } catch (Throwable e) {
        failure.addSuppressed(e);
      }
      throw failure;
    }
    finish(step);
    return failures;
  }

  private void failStep(RuntimeException e) {
    for (Row row : plan.rows()) {
      running.fail(
          row, new TileKvException("a forward step of " + row + " failed: " + e.getMessage(), e));
    }
  }

  /** Tiles of the step are named by now: where it fails, nothing in the cache can be trusted. */
  private void finish(TokenDecoder started) {
    try {
      started.finish(logits, tokens);
    } catch (RuntimeException e) {
      throw new IllegalStateException("a forward step failed: " + e.getMessage(), e);
    }
  }

  /**
   * Declares the step's tokens computed. Where the step is still running, readers of their tiles
   * come behind it.
   *
   * @return the rows that failed: their pages are theirs until the step has ended
   */
  private Map<Row, RuntimeException> commit() {
    Map<Row, RuntimeException> failures = new IdentityHashMap<>();
    for (Row row : plan.rows()) {
      try {
        row.commit(counters);
      } catch (RuntimeException e) {
        failures.put(row, e);
      }
    }
    return failures;
  }

  /** Adds the rows that fail. */
  private void reserveAhead(Map<Row, RuntimeException> failures) {
    for (Row row : plan.rows()) {
      try {
        if (row.running() && !failures.containsKey(row)) {
          row.reserveAhead();
        }
      } catch (RuntimeException e) {
        failures.put(row, e);
      }
    }
  }

  private void ensureOutputs() {
    int length = Math.multiplyExact(plan.batch().logitRows(), decoder.vocabSize());
    if (logits.length < length) {
      logits = new float[length];
    }
    if (tokens.length < plan.batch().tokenRows()) {
      tokens = new int[plan.batch().tokenRows()];
    }
  }

  private void takeIn() {
    int vocab = decoder.vocabSize();
    long now = nanoClock.getAsLong();
    int offset = 0;
    int choice = 0;
    for (Row row : plan.rows()) {
      int token = row.plannedChoice() ? tokens[choice++] : -1;
      if (row.running()) {
        choose(row, token, offset, vocab, now);
      }
      offset += row.plannedLogits() * vocab;
    }
  }

  private void choose(Row row, int token, int offset, int vocab, long now) {
    try {
      if (row.plannedChoice() || row.plannedLogits() > 0) {
        row.hasToken(now);
      }
      if (row.plannedChoice() && row.chosen(token, counters)
          || row.plannedLogits() > 0 && row.choose(logits, offset, vocab, counters)) {
        running.complete(row);
      }
    } catch (RuntimeException e) {
      running.fail(row, e);
    }
  }

  /** Ends every row: cancelled without a reason, else failed for it. */
  void endAll(Throwable why) {
    while (!running.isEmpty()) {
      running.fail(running.youngest(), why);
    }
    for (Row row = admission.poll(); row != null; row = admission.poll()) {
      running.fail(row, why);
    }
  }

  /** Cancels every row. */
  void cancelAll() {
    while (!running.isEmpty()) {
      cancel(running.youngest());
    }
    for (Row row = admission.poll(); row != null; row = admission.poll()) {
      cancel(row);
    }
  }

  private void cancel(Row row) {
    row.future.completeExceptionally(new CancellationException("the engine was closed"));
    running.remove(row);
    counters.rowsCancelled.increment();
  }
}
