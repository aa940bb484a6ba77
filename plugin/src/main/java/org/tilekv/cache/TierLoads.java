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
import java.util.ArrayList;
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
import org.tilekv.HostAllocator;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.TileCache.ResidentPrefix;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.TileName;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.LowerTier.HeldGroup;

/**
 * Reads tiles back from a lower tier. Requests whose next missing tile is the same share one load;
 * what a later one needs beyond it is loaded after it. Thread-safe; the lock guards bookkeeping
 * only.
 */
final class TierLoads implements PrefixSource {

  private static final Logger LOG = LoggerFactory.getLogger(TierLoads.class);
  private static final long OWNER = Long.MIN_VALUE;
  // Copied in one go: enough to fill the link, and few enough to be found soon.
  private static final int MOST_AT_ONCE = 16;

  private final TileCache cache;
  private final LowerTier tier;
  private final SpillStaging staging;
  private final LoadCost cost;
  private final Executor executor;
  private final HostAllocator allocator;
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
      HostAllocator allocator,
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
      boolean more = true;
      while (more && load.hasNext() && !isClosed()) {
        more = loadNext(load);
      }
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  /** Loads the next tiles: as many as the tier has in memory, or one that it has elsewhere. */
  private boolean loadNext(TileLoad load) {
    List<NamedTile> next = load.next(MOST_AT_ONCE);
    List<HeldGroup> held = new ArrayList<>(next.size());
    long start = nanoClock.getAsLong();
    try {
      for (NamedTile tile : next) {
        HeldGroup group = hold(tile);
        if (group == null) {
          break;
        }
        held.add(group);
      }
      if (!held.isEmpty()) {
        int added = addAll(load, held.stream().map(HeldGroup::bytes).toList());
        if (added > 0) {
          cost.read((long) added * tier.groupBytes(), nanoClock.getAsLong() - start);
        }
        return added == held.size();
      }
    } finally {
      held.forEach(HeldGroup::close);
    }
    return readNext(load, next.get(0), buffers.get().clear());
  }

  /** All of them at once or, where the pool has no room for that, as many as it has room for. */
  private int addAll(TileLoad load, List<ByteBuffer> tiles) {
    int added = 0;
    if (load.addAll(tiles)) {
      added = tiles.size();
    } else {
      while (added < tiles.size() && load.add(tiles.get(added))) {
        added++;
      }
      counters.loadsWithoutRoom.increment();
    }
    counters.loadedTiles.add(added);
    return added;
  }

  /** A group in memory whose tokens, which its name stands for, are the tile's. */
  private @Nullable HeldGroup hold(NamedTile tile) {
    GroupKey key = GroupKey.of(tile.name().bytes());
    HeldGroup group = staging.contains(key) ? null : tier.hold(key);
    if (group != null && !Arrays.equals(group.meta().tokens(), tile.tokens())) {
      group.close();
      tier.remove(key);
      return null;
    }
    return group;
  }

  private boolean readNext(TileLoad load, NamedTile tile, ByteBuffer bytes) {
    if (!contains(GroupKey.of(tile.name().bytes()))) {
      // What the load was to continue has left the pool since, and was not saved.
      return false;
    }
    if (!read(tile, bytes)) {
      counters.failedLoads.increment();
      cache.loadFailed(tile.name());
      return false;
    }
    if (!load.add(bytes)) {
      counters.loadsWithoutRoom.increment();
      return false;
    }
    counters.loadedTiles.increment();
    return true;
  }

  /** Reads a tile, and compares its tokens. */
  private boolean read(NamedTile tile, ByteBuffer bytes) {
    GroupKey key = GroupKey.of(tile.name().bytes());
    GroupMeta meta = staging.get(key, bytes);
    if (meta == null) {
      long start = nanoClock.getAsLong();
      meta = tier.get(key, bytes);
      if (meta != null) {
        cost.read(tier.groupBytes(), nanoClock.getAsLong() - start);
      }
    }
    if (meta != null && !Arrays.equals(meta.tokens(), tile.tokens())) {
      tier.remove(key);
      return false;
    }
    return meta != null;
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
