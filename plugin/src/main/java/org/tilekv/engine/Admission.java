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
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvCache;
import org.tilekv.KvCache.PrefixProbe;
import org.tilekv.KvSequence;
import org.tilekv.SequenceRequest;
import org.tilekv.TileKvException;

/**
 * The queue, and who may leave it.
 *
 * <p>Rows leave in the order of arrival, with one exception: a row that shares a prefix with a
 * running row which has not computed it yet is put off, and later rows are looked at instead; so a
 * shared prefix is computed once. So is a row whose prefix is being loaded. A row is put off for a
 * bounded time. A row for whose known tokens there is no room stops the pass, so that later ones
 * cannot overtake it for ever. Confined to the engine's thread.
 */
final class Admission {
  /** Rows of the queue that one pass looks at: bounds the hashing of prompts per step. */
  private static final int ROWS_PER_PASS = 64;

  private static final long OTHER_LOADS_MS = 10;

  private final Deque<Row> queue = new ArrayDeque<>();
  private final KvCache cache;
  private final EngineConfig config;
  private final EngineCounters counters;
  private final LongSupplier nanoClock;
  private final long mostWaitNs;
  private final @Nullable DistinctPositions distinctPositions;
  private final PrefixLoads loads;
  private boolean blocked;
  private boolean resting;

  private enum Verdict {
    ADMITTED,
    PUT_OFF,
    NO_ROOM,
    ENDED
  }

  Admission(
      KvCache cache,
      EngineConfig config,
      EngineCounters counters,
      LongSupplier nanoClock,
      PrefixLoads loads) {
    this.loads = loads;
    this.cache = cache;
    this.config = config;
    this.counters = counters;
    this.nanoClock = nanoClock;
    this.mostWaitNs = TimeUnit.MILLISECONDS.toNanos(config.sharedPrefixWaitMs());
    this.distinctPositions = config.countDistinctPositions() ? new DistinctPositions() : null;
  }

  void enqueue(Row row) {
    queue.addLast(row);
  }

  /** Puts a row that was set back before all others. */
  void requeue(Row row) {
    queue.addFirst(row);
    blocked = true;
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }

  @Nullable Row poll() {
    return queue.pollFirst();
  }

  void dropCancelled() {
    int before = queue.size();
    for (Row row : queue) {
      if (row.future.isDone()) {
        loads.forget(row);
      }
    }
    queue.removeIf(row -> row.future.isDone());
    counters.rowsCancelled.add(before - queue.size());
  }

  /** Starts what may start now. */
  void admit(RunningRows running) {
    look(running);
    resting = running.isEmpty() && !queue.isEmpty();
  }

  /**
   * How long nothing can be done, at most {@code mostMs}: all rows wait for loads. 0 where rows may
   * start.
   */
  long restMs(long mostMs) {
    if (!resting) {
      return 0;
    }
    // Loads that no row has begun do not wake the engine.
    long otherMs = cache.loading() && !loads.underWay() ? Math.min(mostMs, OTHER_LOADS_MS) : 0;
    return Math.max(otherMs, loads.waitMs(mostMs));
  }

  /** Whether loads may hold pages that a row finds missing. */
  boolean loading() {
    return loads.underWay() || cache.loading();
  }

  private void look(RunningRows running) {
    boolean roomFreed = running.takeRoomFreed() | loads.takeEnded();
    if (blocked && !roomFreed && !running.isEmpty()) {
      return;
    }
    blocked = false;
    boolean putOffs = false;
    Iterator<Row> rows = queue.iterator();
    for (int looked = 0; looked < ROWS_PER_PASS && rows.hasNext(); ) {
      if (running.slots() == config.maxBatchRows()) {
        return;
      }
      Row row = rows.next();
      if (loads.holds(row)) {
        putOffs = true;
        continue;
      }
      looked++;
      switch (tryStart(row, running)) {
        case ADMITTED, ENDED -> rows.remove();
        case PUT_OFF -> putOffs = true;
        case NO_ROOM -> {
          blocked = !putOffs;
          return;
        }
      }
    }
  }

  private Verdict tryStart(Row row, RunningRows running) {
    if (row.future.isDone()) {
      counters.rowsCancelled.increment();
      return Verdict.ENDED;
    }
    if (running.slots() + row.slots() > config.maxBatchRows()) {
      return Verdict.NO_ROOM;
    }
    try {
      Verdict verdict = tryOpen(row, running);
      if (verdict == Verdict.NO_ROOM && running.isEmpty() && !loading()) {
        throw new TileKvException(row + noRoomAlone(row));
      }
      return verdict;
    } catch (RuntimeException e) {
      running.fail(row, e);
      return Verdict.ENDED;
    }
  }

  private String noRoomAlone(Row row) {
    return " does not fit although no other row runs: it needs pages for "
        + row.knownTokens()
        + " tokens, and "
        + cache.availablePages()
        + " pages of "
        + cache.stats().pages()
        + " are available";
  }

  private Verdict tryOpen(Row row, RunningRows running) {
    SequenceRequest request = row.sequenceRequest(config.prefixReuse());
    PrefixProbe probe = cache.probe(request);
    long pages = pagesFor(row, probe.residentTokens());
    // Rows that wait for loads keep their claim, or those that overtake them take their room.
    long available = cache.availablePages() - loads.pages();
    boolean loadFits = config.prefixReuse() && pages <= available;
    if (loadFits && loads.begin(row, request, probe, pages) || mustWait(row, probe, running)) {
      return Verdict.PUT_OFF;
    }
    if (pages > available) {
      return Verdict.NO_ROOM;
    }
    KvSequence sequence = cache.open(request);
    if (sequence == null) {
      return Verdict.NO_ROOM;
    }
    if (!makeRoom(row, sequence, running)) {
      sequence.close();
      return Verdict.NO_ROOM;
    }
    start(row, sequence, running);
    return Verdict.ADMITTED;
  }

  /** Reserves the known tokens; closes the sequence where that throws. */
  private boolean makeRoom(Row row, KvSequence sequence, RunningRows running) {
    try {
      return sequence.reserve(row.knownTokens()) && leavesHeadroom(row, running);
    } catch (RuntimeException e) {
      sequence.close();
      throw e;
    }
  }

  private boolean mustWait(Row row, PrefixProbe probe, RunningRows running) {
    if (!config.prefixReuse()
        || mostWaitNs <= 0
        || running.isEmpty()
        || probe.promisedTokens() <= probe.residentTokens()) {
      return false;
    }
    long now = nanoClock.getAsLong();
    if (row.putOff(now, probe.residentTokens())) {
      counters.sharedPrefixWaits.increment();
    }
    return row.waitedNs(now) < mostWaitNs;
  }

  private long pagesFor(Row row, int residentTokens) {
    int newTiles =
        cache.geometry().tilesFor(row.knownTokens()) - cache.geometry().tileOf(residentTokens);
    return (long) cache.geometry().kvHeads() * newTiles;
  }

  /** Every running beam should be able to grow by one tile, or the row would soon be set back. */
  private boolean leavesHeadroom(Row row, RunningRows running) {
    return running.isEmpty()
        || cache.availablePages()
            >= (long) cache.geometry().kvHeads() * (running.slots() + row.slots());
  }

  private void start(Row row, KvSequence sequence, RunningRows running) {
    boolean first = !row.admittedBefore();
    row.start(sequence);
    running.add(row);
    if (first) {
      int[] prompt = row.request.prompt();
      counters.promptTokens.add(prompt.length);
      counters.promptTokensReused.add(row.reusedTokens());
      if (distinctPositions != null) {
        String salt = row.request.salt();
        long saltHash = salt == null ? -1 : salt.hashCode() & 0xFFFFFFFFL;
        counters.distinctPromptPositions.add(distinctPositions.add(prompt, saltHash));
      }
    }
  }
}
