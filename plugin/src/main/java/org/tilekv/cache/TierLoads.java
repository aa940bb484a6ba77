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
package org.tilekv.cache;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.TileCache.ResidentPrefix;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.TileName;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.SlabAllocator;

/**
 * Reads tiles back from a lower tier. Requests whose next missing tile is the same share one load;
 * what a later one needs beyond it is loaded after it. Thread-safe; the lock guards bookkeeping
 * only.
 */
final class TierLoads implements PrefixSource {

  private static final Logger LOG = LoggerFactory.getLogger(TierLoads.class);
  private static final long OWNER = Long.MIN_VALUE;

  private final TileCache cache;
  private final LowerTier tier;
  private final SpillStaging staging;
  private final LoadCost cost;
  private final Executor executor;
  private final SlabAllocator allocator;
  private final LongSupplier nanoClock;
  private final TierCounters counters;
  private final ThreadLocal<ByteBuffer> buffers;
  private final Queue<ByteBuffer> allocated = new ConcurrentLinkedQueue<>();
  // The rest is guarded by this.
  private final Map<ChainHash, Flight> flights = new HashMap<>();
  private int tilesAhead;
  private boolean closed;
  private boolean warned;

  TierLoads(
      TileCache cache,
      LowerTier tier,
      SpillStaging staging,
      LoadCost cost,
      Executor executor,
      SlabAllocator allocator,
      LongSupplier nanoClock,
      TierCounters counters) {
    this.cache = cache;
    this.tier = tier;
    this.staging = staging;
    this.cost = cost;
    this.executor = executor;
    this.nanoClock = nanoClock;
    this.counters = counters;
    this.allocator = allocator;
    buffers = ThreadLocal.withInitial(this::allocate);
  }

  /**
   * What a prompt's prefix lacks and the tier has.
   *
   * @param resident full tiles in the pool
   * @param tiles full tiles after a load
   * @param first name of the first one to load
   * @param last name of the last one
   */
  private record Span(int resident, int tiles, ChainHash first, ChainHash last) {}

  private record Flight(Span span, CompletableFuture<Void> end) {}

  /**
   * What the pool has of a prompt's prefix and what it lacks.
   *
   * @param resident full tiles in the pool
   * @param names of the full tiles after them
   */
  private record Missed(int resident, List<TileName> names) {}

  private Missed missed(SequenceRequest request) {
    int tileTokens = cache.geometry().tileTokens();
    ResidentPrefix resident = cache.residentPrefix(request);
    int from = resident.tiles() * tileTokens;
    return new Missed(
        resident.tiles(),
        PromptMatch.missedNames(resident.last(), request.prompt(), from, tileTokens));
  }

  private @Nullable Span span(Missed missed) {
    List<TileName> names = missed.names;
    int held = 0;
    while (held < names.size() && contains(GroupKey.of(names.get(held).chain().bytes()))) {
      held++;
    }
    return held == 0
        ? null
        : new Span(
            missed.resident,
            missed.resident + held,
            names.get(0).chain(),
            names.get(held - 1).chain());
  }

  /** Tells the tier which tiles a prompt would have used: it learns what is worth writing. */
  private void tellAsked(Missed missed) {
    for (TileName name : missed.names) {
      tier.asked(GroupKey.of(name.chain().bytes()));
    }
  }

  private boolean contains(GroupKey key) {
    return staging.contains(key) || tier.contains(key);
  }

  @Override
  public int loadableTokens(SequenceRequest request, int residentTokens) {
    if (!request.reusePrefix()) {
      return residentTokens;
    }
    Missed missed = missed(request);
    tellAsked(missed);
    Span span = span(missed);
    if (span == null) {
      return residentTokens;
    }
    if (!cost.loadIsCheaper(span.tiles - span.resident, tilesAhead(span.first))) {
      counters.cheaperComputed.increment();
      return residentTokens;
    }
    return Math.max(residentTokens, span.tiles * cache.geometry().tileTokens());
  }

  /** Tiles that are read before a load begins; none where it would join one under way. */
  private synchronized int tilesAhead(ChainHash first) {
    return flights.containsKey(first) ? 0 : tilesAhead;
  }

  @Override
  public CompletableFuture<Void> load(SequenceRequest request) {
    Span span = span(missed(request));
    if (span == null) {
      return CompletableFuture.completedFuture(null);
    }
    Flight flight = new Flight(span, new CompletableFuture<>());
    synchronized (this) {
      Flight before = flights.get(span.first);
      if (closed) {
        return CompletableFuture.completedFuture(null);
      }
      if (before != null) {
        counters.sharedLoads.increment();
        boolean covered = before.span.last.equals(span.last);
        return covered ? before.end : before.end.thenCompose(done -> load(request));
      }
      flights.put(span.first, flight);
      tilesAhead += span.tiles - span.resident;
    }
    counters.loads.increment();
    try {
      executor.execute(() -> run(flight, request));
    } catch (RejectedExecutionException e) {
      end(flight);
    }
    return flight.end;
  }

  private void run(Flight flight, SequenceRequest request) {
    try {
      load(flight.span, request);
    } catch (RuntimeException | OutOfMemoryError e) {
      warn(e);
    } finally {
      end(flight);
    }
  }

  private synchronized void warn(Throwable why) {
    counters.failedLoads.increment();
    if (!warned && !closed) {
      warned = true;
      LOG.warn("tiles cannot be loaded and are computed; this is not logged again", why);
    }
  }

  private void end(Flight flight) {
    synchronized (this) {
      flights.remove(flight.span.first);
      tilesAhead -= flight.span.tiles - flight.span.resident;
    }
    flight.end.complete(null);
  }

  private void load(Span span, SequenceRequest request) {
    int[] prompt = Arrays.copyOf(request.prompt(), span.tiles * cache.geometry().tileTokens());
    TileLoad load = cache.load(new SequenceRequest(prompt, OWNER, request.salt(), true));
    if (load == null) {
      counters.loadsWithoutRoom.increment();
      return;
    }
    try (load) {
      ByteBuffer bytes = buffers.get();
      while (load.hasNext() && !isClosed() && loadNext(load, bytes)) {
        counters.loadedTiles.increment();
      }
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  private boolean loadNext(TileLoad load, ByteBuffer bytes) {
    ChainHash name = load.nextName();
    Taker taker = new Taker(load);
    read(name, bytes.clear(), taker);
    if (!taker.found) {
      counters.failedLoads.increment();
      cache.loadFailed(name);
      return false;
    }
    if (!taker.taken) {
      counters.loadsWithoutRoom.increment();
    }
    return taker.taken;
  }

  /** Compares a tile's tokens, which its name stands for, and puts it into the pool. */
  private static final class Taker implements LowerTier.GroupReader {
    private final TileLoad load;
    private final int[] tokens;
    private boolean found;
    private boolean taken;

    Taker(TileLoad load) {
      this.load = load;
      this.tokens = load.nextTokens();
    }

    @Override
    public boolean read(GroupMeta meta, ByteBuffer bytes) {
      found = Arrays.equals(meta.tokens(), tokens);
      taken = found && load.add(bytes);
      return found;
    }
  }

  private void read(ChainHash name, ByteBuffer bytes, Taker taker) {
    GroupKey key = GroupKey.of(name.bytes());
    GroupMeta staged = staging.get(key, bytes);
    if (staged != null) {
      taker.read(staged, bytes);
      return;
    }
    long start = nanoClock.getAsLong();
    if (tier.read(key, bytes, taker)) {
      cost.read(tier.groupBytes(), nanoClock.getAsLong() - start);
    }
  }

  private ByteBuffer allocate() {
    ByteBuffer buffer = allocator.allocate(tier.groupBytes());
    allocated.add(buffer);
    return buffer;
  }

  /** Gives the memory of loads back; none runs any more. */
  void free() {
    for (ByteBuffer buffer = allocated.poll(); buffer != null; buffer = allocated.poll()) {
      allocator.free(buffer);
    }
  }

  @Override
  public void computed(int tokens, long nanos) {
    cost.computed(tokens, nanos);
  }

  /** Begins no more loads; those under way end with the tile that they are at. */
  @Override
  public synchronized void close() {
    closed = true;
  }
}
