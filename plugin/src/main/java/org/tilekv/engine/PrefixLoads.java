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

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.KvCache.PrefixProbe;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.PrefixSource;

/**
 * Tiles on their way into the pool, and the rows that wait for them. A row begins a load when it is
 * first looked at, and again when tiles were evicted since, a few times at most; it waits for each
 * for a bounded time, and computes what is missing then. Confined to the engine's thread.
 */
final class PrefixLoads {

  /** Loads of one row while it is queued: more would only stir the pool. */
  private static final int MOST_LOADS = 4;

  private static final CompletableFuture<Void> NOTHING = CompletableFuture.completedFuture(null);
  private static final Logger LOG = LoggerFactory.getLogger(PrefixLoads.class);

  private final @Nullable PrefixSource source;
  private final EngineCounters counters;
  private final LongSupplier nanoClock;
  private final Runnable wake;
  private final long mostWaitNs;
  private final List<Load> inFlight = new ArrayList<>();
  private boolean ended;
  private boolean warned;

  /**
   * @param source where tiles come from, or null
   * @param mostWaitMs longest wait of a row; 0 loads nothing
   * @param wake called by any thread when a load has ended
   */
  PrefixLoads(
      @Nullable PrefixSource source,
      long mostWaitMs,
      EngineCounters counters,
      LongSupplier nanoClock,
      Runnable wake) {
    this.source = mostWaitMs > 0 ? source : null;
    this.counters = counters;
    this.nanoClock = nanoClock;
    this.wake = wake;
    mostWaitNs = TimeUnit.MILLISECONDS.toNanos(mostWaitMs);
  }

  /** A row's load: what it was begun with, and when the row stops to wait. */
  static final class Load {
    private final CompletableFuture<Void> end;
    private final int number;
    private int residentTokens;
    private final long pages;
    private final long untilNs;
    private boolean waits = true;

    private Load(
        CompletableFuture<Void> end, int number, int residentTokens, long pages, long untilNs) {
      this.end = end;
      this.number = number;
      this.residentTokens = residentTokens;
      this.pages = pages;
      this.untilNs = untilNs;
    }
  }

  /** Whether a row waits for its load. */
  boolean holds(Row row) {
    Load load = row.load();
    return load != null && stillWaits(load);
  }

  private boolean stillWaits(Load load) {
    if (load.waits && load.end.isDone()) {
      load.waits = false;
    } else if (load.waits && nanoClock.getAsLong() - load.untilNs >= 0) {
      load.waits = false;
      counters.lateLoads.increment();
    }
    return load.waits;
  }

  /** A row is not there to wait any more. */
  void forget(Row row) {
    Load load = row.load();
    if (load != null) {
      load.waits = false;
    }
  }

  /**
   * Begins a row's load where more can be loaded than is resident or about to be computed. Where
   * nothing can, it is asked again only when less is resident.
   *
   * @param pages that the row needs of those available
   * @return whether the row waits for it
   */
  boolean begin(Row row, SequenceRequest request, PrefixProbe probe, long pages) {
    PrefixSource from = source;
    Load before = row.load();
    if (from == null || before != null && !lostSince(before, probe.residentTokens())) {
      return false;
    }
    CompletableFuture<Void> end = load(from, request, probe);
    long untilNs = nanoClock.getAsLong() + mostWaitNs;
    int number = before == null ? 1 : before.number + 1;
    Load load = new Load(end, number, probe.residentTokens(), pages, untilNs);
    row.loads(load);
    if (end == NOTHING) {
      return false;
    }
    inFlight.add(load);
    counters.prefixLoads.increment();
    var unused = end.whenComplete((done, failure) -> wake.run());
    return holds(row);
  }

  /** Whether less is resident than before, and the row has not loaded too often. */
  private boolean lostSince(Load before, int residentTokens) {
    boolean lost = residentTokens < before.residentTokens;
    before.residentTokens = Math.max(before.residentTokens, residentTokens);
    return lost && before.number < MOST_LOADS;
  }

  /** A source that fails gives nothing: the row computes. */
  private CompletableFuture<Void> load(
      PrefixSource from, SequenceRequest request, PrefixProbe probe) {
    try {
      int loadable = from.loadableTokens(request, probe.residentTokens());
      return loadable > probe.promisedTokens() ? from.load(request) : NOTHING;
    } catch (RuntimeException e) {
      if (!warned) {
        warned = true;
        LOG.warn("tiles cannot be loaded and are computed; further failures are not logged", e);
      }
      return NOTHING;
    }
  }

  /** Forgets loads that have ended: their pages are no longer pinned. */
  private void sweep() {
    ended |= inFlight.removeIf(load -> load.end.isDone());
  }

  /**
   * Whether a load has ended since the last call, or the wait for one: what did not fit may fit
   * now.
   */
  boolean takeEnded() {
    sweep();
    for (Load load : inFlight) {
      ended |= load.waits && !stillWaits(load);
    }
    boolean taken = ended;
    ended = false;
    return taken;
  }

  /** Whether loads may hold pages that rows find missing. */
  boolean underWay() {
    sweep();
    return !inFlight.isEmpty();
  }

  /** Pages that loads will take whose rows still wait in time. */
  long pages() {
    long pages = 0;
    for (Load load : inFlight) {
      pages += stillWaits(load) ? load.pages : 0;
    }
    return pages;
  }

  /** Time until the first row stops to wait, at most {@code mostMs}; 0 where no load is left. */
  long waitMs(long mostMs) {
    if (!underWay()) {
      return 0;
    }
    long now = nanoClock.getAsLong();
    long waitNs = TimeUnit.MILLISECONDS.toNanos(mostMs);
    for (Load load : inFlight) {
      if (load.waits) {
        waitNs = Math.min(waitNs, load.untilNs - now);
      }
    }
    return Math.max(1, TimeUnit.NANOSECONDS.toMillis(waitNs));
  }

  /** Passes a step's time on: what loads have to beat. */
  void computed(int tokens, long nanos) {
    if (source != null) {
      source.computed(tokens, nanos);
    }
  }

  /** Whether anything can ever be loaded. */
  boolean active() {
    return source != null;
  }
}
