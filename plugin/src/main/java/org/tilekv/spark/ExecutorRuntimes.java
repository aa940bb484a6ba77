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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.TileKvException;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.RuntimeOptions;

/**
 * The models of one process. A model is opened once, by the first task that asks; others wait for
 * it. It stays open, with its tiles, when no task uses it, until another model needs its room.
 * Thread-safe; no lock is held while a model opens or closes.
 */
final class ExecutorRuntimes implements AutoCloseable {

  /** An open failure is given to everyone who asks within this time, without another try. */
  static final long FAILURE_MEMORY_NS = TimeUnit.SECONDS.toNanos(10);

  private static final long POLL_MS = 100;
  private static final Logger LOG = LoggerFactory.getLogger(ExecutorRuntimes.class);

  private final RuntimeOpener opener;
  private final long poolBudgetBytes;
  private final LongSupplier nanoClock;

  /** Guarded by this. */
  private final Map<Key, Entry> entries = new LinkedHashMap<>();

  /** Guarded by this: counters of models that were closed. */
  private ExecutorStats retired = ExecutorStats.ZERO;

  private boolean closed;

  /**
   * @param poolBudgetBytes page pools of all open models together
   * @param nanoClock as {@link System#nanoTime}
   */
  ExecutorRuntimes(RuntimeOpener opener, long poolBudgetBytes, LongSupplier nanoClock) {
    this.opener = opener;
    this.poolBudgetBytes = poolBudgetBytes;
    this.nanoClock = nanoClock;
  }

  private record Key(String model, RuntimeOptions options) {}

  private enum State {
    OPENING,
    OPEN,
    CLOSING,
    FAILED
  }

  private static final class Entry {
    State state = State.OPENING;
    @Nullable ModelRuntime runtime;
    @Nullable TileKvException failure;
    long failedAtNs;
    final Map<Long, Integer> usesByOwner = new HashMap<>();
  }

  /** A task's right to use a model; to be closed once. */
  final class Lease implements AutoCloseable {
    private final Key key;
    private final Entry entry;
    private final long owner;
    private final ModelRuntime runtime;

    private Lease(Key key, Entry entry, long owner, ModelRuntime runtime) {
      this.key = key;
      this.entry = entry;
      this.owner = owner;
      this.runtime = runtime;
    }

    ModelRuntime runtime() {
      return runtime;
    }

    String model() {
      return key.model();
    }

    /** Cancels what the owner still has in flight, then gives the model back. */
    @Override
    public void close() {
      runtime.engine().cancelOwner(owner);
      release(entry, owner);
    }
  }

  /**
   * The runtime of a model, opened where it is not yet.
   *
   * @param owner task attempt id
   * @param checkpoint called while waiting; throws where the task was killed
   * @throws TileKvException where the model cannot be opened, now or a moment ago
   */
  Lease acquire(String model, RuntimeOptions options, long owner, Runnable checkpoint)
      throws InterruptedException {
    Key key = new Key(model, options);
    while (true) {
      Entry mine = null;
      Entry idle = null;
      synchronized (this) {
        requireOpen();
        Entry entry = entries.get(key);
        if (entry != null && forgotten(entry)) {
          entries.remove(key);
          entry = null;
        }
        if (entry == null) {
          if (fits(options)) {
            mine = new Entry();
            entries.put(key, mine);
          } else {
            idle = claimIdle(model, owner);
          }
        } else if (entry.failure != null) {
          throw new TileKvException(String.valueOf(entry.failure.getMessage()), entry.failure);
        } else if (entry.state == State.OPEN && entry.runtime != null) {
          entry.usesByOwner.merge(owner, 1, Integer::sum);
          return new Lease(key, entry, owner, entry.runtime);
        }
        if (mine == null && idle == null) {
          wait(POLL_MS);
        }
      }
      if (mine != null) {
        open(key, mine);
      } else if (idle != null) {
        close(idle);
      } else {
        checkpoint.run();
      }
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new TileKvException("this executor's TileKV plugin was shut down");
    }
  }

  private boolean forgotten(Entry entry) {
    return entry.state == State.FAILED
        && nanoClock.getAsLong() - entry.failedAtNs >= FAILURE_MEMORY_NS;
  }

  /** Whether another pool fits beside those of the models that hold one. Called with the lock. */
  private boolean fits(RuntimeOptions options) {
    long held =
        entries.entrySet().stream()
            .filter(e -> e.getValue().state != State.FAILED)
            .mapToLong(e -> e.getKey().options().poolBytes())
            .sum();
    return held == 0 || held + options.poolBytes() <= poolBudgetBytes;
  }

  /** Marks an unused model for closing, or null where all are in use. Called with the lock. */
  private @Nullable Entry claimIdle(String model, long owner) {
    for (Map.Entry<Key, Entry> e : entries.entrySet()) {
      Entry entry = e.getValue();
      if (entry.usesByOwner.containsKey(owner)) {
        throw new TileKvException(
            "one task uses the models "
                + e.getKey().model()
                + " and "
                + model
                + " at the same time, and the pool of "
                + poolBudgetBytes
                + " bytes holds one; write or cache the result of the first before the second");
      }
      if (entry.state == State.OPEN && entry.usesByOwner.isEmpty()) {
        beginClosing(entry);
        LOG.info("closing model {}: {} needs its room", e.getKey().model(), model);
        return entry;
      }
    }
    return null;
  }

  private void open(Key key, Entry entry) {
    ModelRuntime runtime = null;
    TileKvException failure = null;
    long start = nanoClock.getAsLong();
    try {
      runtime = opener.open(Path.of(key.model()), key.options());
      LOG.info(
          "opened model {} in {} ms, pool of {} bytes",
          key.model(),
          TimeUnit.NANOSECONDS.toMillis(nanoClock.getAsLong() - start),
          key.options().poolBytes());
    } catch (TileKvException e) {
      LOG.error("model {} cannot be opened: {}", key.model(), e.getMessage());
      failure = e;
    } catch (RuntimeException | Error e) {
      LOG.error("model {} cannot be opened", key.model(), e);
      failure = new TileKvException("model " + key.model() + " cannot be opened: " + e, e);
    }
    boolean late;
    synchronized (this) {
      late = closed;
      entry.runtime = runtime;
      entry.failure = failure;
      entry.failedAtNs = nanoClock.getAsLong();
      entry.state = runtime != null ? State.OPEN : State.FAILED;
      notifyAll();
    }
    if (late && runtime != null) {
      close(entry);
    }
  }

  /** Takes a model out of the statistics; what it counted stays. Called with the lock. */
  private void beginClosing(Entry entry) {
    entry.state = State.CLOSING;
    if (entry.runtime != null) {
      retired = retired.plus(RuntimeCounters.withoutGauges(entry.runtime));
    }
  }

  private void close(Entry entry) {
    try {
      if (entry.runtime != null) {
        entry.runtime.close();
      }
    } catch (RuntimeException e) {
      LOG.warn("closing a model failed", e);
    } finally {
      synchronized (this) {
        entries.values().remove(entry);
        notifyAll();
      }
    }
  }

  private synchronized void release(Entry entry, long owner) {
    entry.usesByOwner.computeIfPresent(owner, (id, uses) -> uses > 1 ? uses - 1 : null);
    notifyAll();
  }

  /** Counters since the start, closed models included, and gauges of the models that are open. */
  ExecutorStats stats() {
    ExecutorStats sum;
    List<ModelRuntime> open = new ArrayList<>();
    synchronized (this) {
      sum = retired;
      for (Entry entry : entries.values()) {
        if (entry.state == State.OPEN && entry.runtime != null) {
          open.add(entry.runtime);
        }
      }
    }
    for (ModelRuntime runtime : open) {
      sum = sum.plus(RuntimeCounters.of(runtime));
    }
    return sum;
  }

  /** Closes all models; rows in flight are cancelled. */
  @Override
  public void close() {
    List<Entry> open;
    synchronized (this) {
      closed = true;
      open = entries.values().stream().filter(e -> e.state == State.OPEN).toList();
      open.forEach(this::beginClosing);
      notifyAll();
    }
    open.forEach(this::close);
  }
}
