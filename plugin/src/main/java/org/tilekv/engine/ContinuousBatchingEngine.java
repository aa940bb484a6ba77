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

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvCache;
import org.tilekv.TileKvException;
import org.tilekv.cache.PrefixSource;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.Tokenizer;

/**
 * Continuous batching: one thread that runs forward steps over whatever rows are there.
 *
 * <p>Rows join and leave between steps. Each step holds one token of every beam that decodes and
 * chunks of the prompts of rows that have just started. What a row gives does not depend on the
 * rows beside it, nor on set-backs for want of room.
 *
 * <p>Futures complete on the engine's thread, so what callers attach to them must be short. Pages
 * of a cancelled row come free at the end of the running step. A decoder's exception fails the rows
 * of its step; an {@link Error}, or a failure that is {@link org.tilekv.ProcessFatal}, fails all
 * rows and closes the engine. The engine closes neither the decoder nor the cache.
 */
public final class ContinuousBatchingEngine implements InferenceEngine {
  private static final long IDLE_WAIT_MS = 1000;

  private final @Nullable Tokenizer tokenizer;
  private final @Nullable String defaultSalt;
  private final LongSupplier nanoClock;
  private final RowLimits limits;
  private final EngineCounters counters = new EngineCounters();
  private final TokenSampler sampler = new TokenSampler();
  private final AtomicLong nextOrder = new AtomicLong();
  private final Scheduler scheduler;
  private final Set<Row> rows = ConcurrentHashMap.newKeySet();
  private final Thread thread;

  private final Object lock = new Object();
  // Guarded by lock.
  private final Deque<Row> inbox = new ArrayDeque<>();
  private boolean cancelled;
  private boolean loadEnded;
  private boolean closed;
  private @Nullable Error fatal;

  /**
   * Starts an engine.
   *
   * @param tokenizer finds stop strings; without it, rows with stop strings are refused
   * @param config limits; {@code maxBatchRows} should not be above the cache's page-table rows
   * @param maxSequenceTokens longest sequence in tokens, prompt and answer together; the decoder's
   *     own limit holds as well
   * @param defaultSalt tenant salt of rows that bring none, or null
   */
  public ContinuousBatchingEngine(
      Decoder decoder,
      KvCache cache,
      @Nullable Tokenizer tokenizer,
      EngineConfig config,
      int maxSequenceTokens,
      @Nullable String defaultSalt) {
    this(decoder, cache, tokenizer, config, maxSequenceTokens, defaultSalt, (PrefixSource) null);
  }

  /**
   * Starts an engine whose rows take tiles from elsewhere, too.
   *
   * @param source where tiles can be loaded from, or null; the engine does not close it
   */
  public ContinuousBatchingEngine(
      Decoder decoder,
      KvCache cache,
      @Nullable Tokenizer tokenizer,
      EngineConfig config,
      int maxSequenceTokens,
      @Nullable String defaultSalt,
      @Nullable PrefixSource source) {
    this(
        decoder,
        cache,
        tokenizer,
        config,
        maxSequenceTokens,
        defaultSalt,
        source,
        System::nanoTime);
    thread.start();
  }

  /** An engine whose thread is not started: {@link #runStep} drives it. */
  ContinuousBatchingEngine(
      Decoder decoder,
      KvCache cache,
      @Nullable Tokenizer tokenizer,
      EngineConfig config,
      int maxSequenceTokens,
      @Nullable String defaultSalt,
      @Nullable PrefixSource source,
      LongSupplier nanoClock) {
    this.tokenizer = tokenizer;
    this.nanoClock = nanoClock;
    this.defaultSalt = defaultSalt;
    this.limits =
        new RowLimits(
            decoder.vocabSize(),
            Math.min(maxSequenceTokens, decoder.maxPositions()),
            cache.geometry(),
            cache.stats().pages(),
            tokenizer != null,
            config);
    PrefixLoads loads =
        new PrefixLoads(source, config.loadWaitMs(), counters, nanoClock, this::wakeForLoad);
    this.scheduler = new Scheduler(decoder, cache, config, counters, nanoClock, loads);
    this.thread = new Thread(this::loop, "tilekv-engine");
    thread.setDaemon(true);
  }

  @Override
  public CompletableFuture<GenerationResult> submit(GenerationRequest request) {
    try {
      limits.check(request);
    } catch (TileKvException e) {
      counters.rowsFailed.increment();
      return CompletableFuture.failedFuture(e);
    }
    Row row = newRow(request.withDefaultSalt(defaultSalt));
    row.submitted(nanoClock.getAsLong());
    synchronized (lock) {
      if (closed) {
        return CompletableFuture.failedFuture(
            fatal == null
                ? new TileKvException("the engine is closed")
                : new TileKvException("the engine is closed: " + fatal, fatal));
      }
      inbox.addLast(row);
      rows.add(row);
      lock.notifyAll();
    }
    row.future.whenComplete((result, failure) -> rows.remove(row));
    return row.future;
  }

  private Row newRow(GenerationRequest request) {
    long order = nextOrder.getAndIncrement();
    List<String> stops = request.stopStrings();
    Tokenizer text = stops.isEmpty() ? null : tokenizer;
    if (request.beams() == 1) {
      StopWatcher watcher = text == null ? null : new StopWatcher(stops, text);
      return new SampledRow(request, order, sampler, watcher);
    }
    BeamSearch.StopRule rule =
        text == null
            ? (generated, length) -> false
            : (generated, length) -> StopWatcher.found(stops, text, generated, 0, length);
    return new BeamRow(request, order, () -> new BeamSearch(request, rule));
  }

  @Override
  public int cancelOwner(long owner) {
    int count = 0;
    for (Row row : rows) {
      if (row.request.owner() == owner && row.future.cancel(false)) {
        count++;
      }
    }
    synchronized (lock) {
      cancelled = true;
      lock.notifyAll();
    }
    return count;
  }

  @Override
  public EngineStats stats() {
    return counters.snapshot(rows.size());
  }

  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
    if (thread.getState() == Thread.State.NEW) {
      end();
    } else if (thread != Thread.currentThread()) {
      join();
    }
  }

  private void join() {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void loop() {
    try {
      while (awaitWork()) {
        runStep();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      end();
    }
  }

  /** Waits for rows; returns false when the engine was closed. */
  private boolean awaitWork() throws InterruptedException {
    synchronized (lock) {
      long restMs = scheduler.restMs(IDLE_WAIT_MS);
      if (!closed && inbox.isEmpty() && !cancelled && !loadEnded && restMs > 0) {
        lock.wait(restMs);
      }
      return !closed;
    }
  }

  /** A load has ended: the engine's thread looks again at the rows that wait. */
  private void wakeForLoad() {
    synchronized (lock) {
      loadEnded = true;
      lock.notifyAll();
    }
  }

  /**
   * Takes in what was submitted and runs one step.
   *
   * @return whether rows are left
   */
  boolean runStep() {
    boolean sweep;
    synchronized (lock) {
      inbox.forEach(scheduler::enqueue);
      inbox.clear();
      sweep = cancelled;
      cancelled = false;
      loadEnded = false;
    }
    try {
      if (sweep) {
        scheduler.dropCancelled();
      }
      scheduler.step();
    } catch (RuntimeException | Error e) {
      fail(e instanceof Error error ? error : new AssertionError("the engine failed: " + e, e));
    }
    return !scheduler.idle();
  }

  private void fail(Error why) {
    synchronized (lock) {
      closed = true;
      fatal = why;
    }
    end();
  }

  /** Ends all rows that are left; also those submitted before the engine was closed. */
  private void end() {
    Error why;
    synchronized (lock) {
      closed = true;
      inbox.forEach(scheduler::enqueue);
      inbox.clear();
      why = fatal;
    }
    if (why == null) {
      scheduler.cancelAll();
    } else {
      scheduler.endAll(new TileKvException("the engine stopped: " + why, why));
    }
  }
}
