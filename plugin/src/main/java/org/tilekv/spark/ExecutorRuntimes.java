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

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.ProcessFatal;
import org.tilekv.TileKvException;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.RuntimeOptions;

/**
 * The models of one process. A model is opened once, by the first task that asks; others wait for
 * it. It stays open, with its tiles, when no task uses it, until another model needs its room.
 * Thread-safe; no lock is held while a model opens or closes. Models open on a thread of their own,
 * because Spark interrupts the threads of tasks that it kills, and that would close files for all.
 */
final class ExecutorRuntimes implements AutoCloseable {

  /** An open failure is given to everyone who asks within this time, without another try. */
  static final long FAILURE_MEMORY_NS = TimeUnit.SECONDS.toNanos(10);

  private static final long POLL_MS = 100;
  private static final Logger LOG = LoggerFactory.getLogger(ExecutorRuntimes.class);

  private final RuntimeOpener opener;
  private final long poolBudgetBytes;
  private final LongSupplier nanoClock;
  private final BiConsumer<Throwable, ExecutorStats> onFatal;
  // The rest is guarded by this.
  private final Map<Key, RuntimeSlot> slots = new LinkedHashMap<>();
  private ExecutorStats retired = ExecutorStats.ZERO;
  private boolean closed;
  private @Nullable Throwable fatal;

  private record Key(String model, RuntimeOptions options) {}

  /**
   * @param poolBudgetBytes page pools of all open models together
   * @param nanoClock as {@link System#nanoTime}
   * @param onFatal told of failures after which this process has to be replaced, with the counters;
   *     may not return
   */
  ExecutorRuntimes(
      RuntimeOpener opener,
      long poolBudgetBytes,
      LongSupplier nanoClock,
      BiConsumer<Throwable, ExecutorStats> onFatal) {
    this.opener = opener;
    this.poolBudgetBytes = poolBudgetBytes;
    this.nanoClock = nanoClock;
    this.onFatal = onFatal;
  }

  /**
   * The runtime of a model, opened where it is not yet.
   *
   * @param owner task attempt id
   * @param checkpoint called while waiting; throws where the task was killed
   * @throws TileKvException where the model cannot be opened, now or a moment ago
   */
  RuntimeLease acquire(String model, RuntimeOptions options, long owner, Runnable checkpoint)
      throws InterruptedException {
    Key key = new Key(model, options);
    while (true) {
      RuntimeSlot toClose = null;
      synchronized (this) {
        RuntimeSlot slot = find(key);
        ModelRuntime runtime = slot == null ? null : slot.usable();
        if (slot != null && runtime != null) {
          slot.use(owner);
          return new RuntimeLease(this, slot, runtime, owner);
        }
        if (slot == null && fits(options)) {
          RuntimeSlot added = new RuntimeSlot(model, options.poolBytesOf(poolBudgetBytes));
          slots.put(key, added);
          var unused = DaemonThread.start("tilekv-open", () -> open(key, added));
        } else {
          toClose = slot == null ? claimIdle(model, owner) : claimBroken(slot, owner);
        }
        if (toClose == null) {
          wait(POLL_MS);
        }
      }
      if (toClose != null) {
        close(toClose);
      }
      checkpoint.run();
    }
  }

  /** The slot of a model, or null; throws what it failed with a short time ago. */
  private @Nullable RuntimeSlot find(Key key) {
    if (closed) {
      throw new TileKvException("this executor's TileKV plugin was shut down");
    }
    if (fatal != null) {
      throw new TileKvException("this process must be replaced, it failed for good: " + fatal);
    }
    RuntimeSlot slot = slots.get(key);
    if (slot != null && slot.failedBefore(nanoClock.getAsLong(), FAILURE_MEMORY_NS)) {
      slots.remove(key);
      return null;
    }
    if (slot != null) {
      slot.requireNotFailed();
    }
    return slot;
  }

  /** Whether another pool fits beside those that are there; a lone one always does. */
  private boolean fits(RuntimeOptions options) {
    long held = slots.values().stream().mapToLong(RuntimeSlot::poolBytes).sum();
    return held == 0 || held + options.poolBytesOf(poolBudgetBytes) <= poolBudgetBytes;
  }

  /** Takes an unused model for closing, or null where all are in use. */
  private @Nullable RuntimeSlot claimIdle(String model, long owner) {
    for (RuntimeSlot slot : slots.values()) {
      if (slot.usedBy(owner)) {
        throw new TileKvException(
            "one task uses the models "
                + slot.model()
                + " and "
                + model
                + " at the same time, and the executor has "
                + poolBudgetBytes
                + " bytes for pools, which do not hold both; set a smaller"
                + " spark.tilekv.pool.bytes, or write or cache the result of the first before"
                + " the second");
      }
      if (slot.idle()) {
        LOG.info("closing model {}: {} needs its room", slot.model(), model);
        return beginClosing(slot);
      }
    }
    return null;
  }

  /** A task that waited for itself to let go of a broken model would wait for ever. */
  private @Nullable RuntimeSlot claimBroken(RuntimeSlot slot, long owner) {
    if (slot.broken() && slot.usedBy(owner)) {
      throw new TileKvException(
          "model "
              + slot.model()
              + " broke while this task used it; another attempt opens it anew");
    }
    return slot.broken() && slot.idle() ? beginClosing(slot) : null;
  }

  private RuntimeSlot beginClosing(RuntimeSlot slot) {
    retired = retired.plus(slot.counters());
    slot.beginClosing();
    return slot;
  }

  private void open(Key key, RuntimeSlot slot) {
    long start = nanoClock.getAsLong();
    try {
      ModelRuntime runtime = opener.open(Path.of(key.model()), key.options());
      LOG.info(
          "opened model {} in {} ms, pool of {} pages",
          key.model(),
          TimeUnit.NANOSECONDS.toMillis(nanoClock.getAsLong() - start),
          runtime.cache().stats().pages());
      opened(slot, runtime);
    } catch (TileKvException e) {
      LOG.error("model {} cannot be opened: {}", key.model(), e.getMessage());
      failed(slot, e);
    } catch (RuntimeException | Error e) {
      LOG.error("model {} cannot be opened", key.model(), e);
      failed(slot, new TileKvException("model " + key.model() + " cannot be opened: " + e, e));
    }
  }

  /**
   * A row of a model failed. Where the failure has broken the model, whoever asks next gets a new
   * one; where it has broken the process, that is told.
   */
  void rowFailed(RuntimeSlot slot, Throwable why) {
    tellIfFatal(why);
    if (why.getCause() instanceof Error) {
      synchronized (this) {
        slot.markBroken();
      }
    }
  }

  private void tellIfFatal(Throwable why) {
    Throwable found = ProcessFatal.in(why);
    if (found == null) {
      return;
    }
    synchronized (this) {
      fatal = found;
      notifyAll();
    }
    onFatal.accept(found, stats());
  }

  private void opened(RuntimeSlot slot, ModelRuntime runtime) {
    boolean late;
    synchronized (this) {
      slot.opened(runtime);
      late = closed;
      notifyAll();
    }
    if (late) {
      close(slot);
    }
  }

  private void failed(RuntimeSlot slot, TileKvException why) {
    tellIfFatal(why);
    synchronized (this) {
      slot.failed(why, nanoClock.getAsLong());
      notifyAll();
    }
  }

  private void close(RuntimeSlot slot) {
    ModelRuntime runtime = slot.runtime();
    try {
      if (runtime != null) {
        runtime.close();
      }
    } catch (RuntimeException e) {
      LOG.warn("closing model {} failed", slot.model(), e);
      tellIfFatal(e);
    } finally {
      synchronized (this) {
        slots.values().remove(slot);
        notifyAll();
      }
    }
  }

  /** A model that is open. */
  record OpenModel(String model, ModelRuntime runtime) {}

  /** The models that are open, and usable by tasks. */
  synchronized List<OpenModel> openModels() {
    List<OpenModel> open = new ArrayList<>();
    for (RuntimeSlot slot : slots.values()) {
      ModelRuntime runtime = slot.usable();
      if (runtime != null) {
        open.add(new OpenModel(slot.model(), runtime));
      }
    }
    return open;
  }

  synchronized void release(RuntimeSlot slot, long owner) {
    slot.release(owner);
    notifyAll();
  }

  /** Counters since the start, closed models included, and gauges of the models that are open. */
  synchronized ExecutorStats stats() {
    return slots.values().stream().map(RuntimeSlot::stats).reduce(retired, ExecutorStats::plus);
  }

  /**
   * Closes all models; rows in flight are cancelled. After a fatal failure nothing is closed: the
   * calls would fail, or never return.
   */
  @Override
  public void close() {
    List<RuntimeSlot> open;
    synchronized (this) {
      closed = true;
      if (fatal != null) {
        return;
      }
      open = slots.values().stream().filter(slot -> slot.usable() != null).toList();
      open.forEach(this::beginClosing);
      notifyAll();
    }
    open.forEach(this::close);
  }
}
