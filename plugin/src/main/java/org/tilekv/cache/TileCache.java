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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.tilekv.BatchPlan;
import org.tilekv.CacheStats;
import org.tilekv.HostAllocator;
import org.tilekv.KvCache;
import org.tilekv.KvSequence;
import org.tilekv.MissReason;
import org.tilekv.PlannedRows;
import org.tilekv.SequenceRequest;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;
import org.tilekv.TileMemory;
import org.tilekv.attention.KvMemory;
import org.tilekv.page.PageTable;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;
import org.tilekv.tier.DirectAllocator;
import org.tilekv.tier.LowerTier;

/**
 * One executor's cache of KV tiles, in RAM or on a device.
 *
 * <p>One lock guards all bookkeeping; bytes are copied outside of it, from groups that are retained
 * and into groups that nobody else knows yet; {@link #close} waits for such copies. A decoder reads
 * and writes the tiles of open sequences through {@link #table} and the memory that the cache was
 * created with.
 */
public final class TileCache implements KvCache {

  /** Of sequences that no task owns. */
  private static final long NO_OWNER = -1;

  private final TileCacheOptions options;
  private final TileMemory memory;
  private final Object lock = new Object();
  // All below is guarded by the lock.
  private final TileStore store;
  private final Set<TileSequence> open = new LinkedHashSet<>();
  private boolean closed;
  // Calls that work outside the lock on pages they have retained; those of them that only read;
  // and calls that wait for the readers, before which no new one begins.
  private int working;
  private int reading;
  private int awaitingReads;
  private int loads;
  private @Nullable EvictionSink sink;
  private @Nullable LowerTier below;

  private TileCache(TileCacheOptions options, TileMemory memory) {
    this.options = options;
    this.memory = memory;
    store = new TileStore(options);
  }

  /**
   * A cache in RAM; allocates the pool and throws {@link OutOfMemoryError} where the heap does not
   * hold it.
   */
  public static TileCache create(TileCacheOptions options) {
    return create(options, TileArena.allocate(options.geometry(), options.pages()));
  }

  /**
   * A cache over memory of the same geometry and with as many pages, which it closes in the end.
   */
  public static TileCache create(TileCacheOptions options, TileMemory memory) {
    if (!memory.geometry().equals(options.geometry()) || memory.pages() != options.pages()) {
      throw new IllegalArgumentException(
          "the memory has "
              + memory.pages()
              + " pages of "
              + memory.geometry()
              + "; the options say "
              + options.pages()
              + " of "
              + options.geometry());
    }
    return new TileCache(options, memory);
  }

  /** Which page each tile of an open sequence is on. */
  public PageTable table() {
    return store.table;
  }

  /** Page table and bytes of a cache in RAM, for decoders and attention kernels on the CPU. */
  public KvMemory kvMemory() {
    if (memory instanceof TileArena arena) {
      return new KvMemory(store.table, arena);
    }
    throw new IllegalStateException("the tiles of this cache are not in RAM");
  }

  @Override
  public TileGeometry geometry() {
    return options.geometry();
  }

  /**
   * Whether tiles can leave the pool and come back, to and from a tier below, snapshots or other
   * executors.
   */
  public boolean copiesToHost() {
    return memory.copiesToHost();
  }

  /** Memory that tiles are copied to and from fastest. */
  public HostAllocator hostAllocator() {
    HostAllocator fastest = memory.hostAllocator();
    return fastest == null ? DirectAllocator.DIRECT : fastest;
  }

  /** Whether tiles are in the memory of a device, and not in that of the host. */
  public boolean onDevice() {
    return memory.hostAllocator() != null;
  }

  TileCacheOptions options() {
    return options;
  }

  Object lock() {
    return lock;
  }

  TileStore store() {
    return store;
  }

  private TileName root(SequenceRequest request) {
    return TileName.root(options.namespace(), request.salt());
  }

  private boolean reuses(SequenceRequest request) {
    return options.prefixReuse() && request.reusePrefix();
  }

  @Override
  public @Nullable KvSequence open(SequenceRequest request) {
    requireFits(request);
    TileName root = root(request);
    int tileTokens = options.geometry().tileTokens();
    Opening opening;
    synchronized (lock) {
      requireOpen();
      if (store.freeRows() == 0) {
        return null;
      }
      TileSequence sequence = new TileSequence(this, request, reuses(request), true, root);
      opening = new Opening(store, sequence, root, tileTokens, true);
      workBegins();
    }
    List<TileName> missed = null;
    try {
      save(opening.evicted());
      PageCopy copy = opening.copy();
      if (copy != null) {
        copySlots(copy);
      }
      missed = opening.missedNames();
    } catch (Throwable failure) {
      lettingGoAfter(failure);
      throw failure;
    } finally {
      endOpening(opening, missed);
    }
    return opening.sequence;
  }

  /**
   * Begins to put tiles from elsewhere behind what is resident of a prompt; the request's {@code
   * reusePrefix} is taken as true. Nothing is counted but what is loaded.
   *
   * @return null when the page table has no free row, or the memory takes no tiles from the host
   */
  public @Nullable TileLoad load(SequenceRequest request) {
    return load(request, root(request));
  }

  /**
   * As {@link #load(SequenceRequest)}, for tiles that come with their names: the parent of first
   * tiles stands for namespace and salt.
   */
  public @Nullable TileLoad load(ChainHash root, int[] prompt) {
    return load(new SequenceRequest(prompt, NO_OWNER, null, true), TileName.under(root));
  }

  private @Nullable TileLoad load(SequenceRequest request, TileName root) {
    requireFits(request);
    if (!options.prefixReuse() || !memory.copiesToHost()) {
      return null;
    }
    synchronized (lock) {
      requireOpen();
      if (store.freeRows() == 0) {
        return null;
      }
      TileSequence sequence = new TileSequence(this, request, true, false, root);
      Opening opening = new Opening(store, sequence, root, options.geometry().tileTokens(), false);
      opening.finish();
      open.add(sequence);
      loads++;
      return new TileLoad(this, sequence, opening.lastName(), opening.fullTiles());
    }
  }

  /**
   * Appends a resident tile's bytes, head by head, to {@code dst}, which has room for {@code
   * geometry().kvHeads() * geometry().tileBytes()}.
   *
   * @return what the tile is, or null where it is not resident; {@code dst} is as it was then
   */
  public @Nullable NamedTile read(ChainHash name, ByteBuffer dst) {
    TileGroup group;
    NamedTile tile;
    synchronized (lock) {
      awaitUninterrupted(() -> awaitingReads == 0);
      requireOpen();
      group = memory.copiesToHost() ? store.index.find(name) : null;
      tile = group == null ? null : group.describe();
      if (group == null || tile == null) {
        return null;
      }
      store.retain(group);
      reading++;
      workBegins();
    }
    try {
      memory.copyOut(group.pages(), dst);
    } finally {
      synchronized (lock) {
        store.release(group);
        reading--;
        workEnds();
      }
    }
    return tile;
  }

  /**
   * Takes in a tile that comes with its name, behind its parent. Nothing is evicted for it.
   *
   * @param bytes what {@link #read} gave for that name
   * @param first whether it is the first tile of a prompt, which continues none
   * @return whether it is resident now: false where there is no free page, its parent is not there,
   *     or its name is not that of its tokens
   */
  public boolean install(NamedTile tile, ByteBuffer bytes, boolean first) {
    if (!options.prefixReuse() || !memory.copiesToHost()) {
      return false;
    }
    TileInstall install = new TileInstall(store, tile, first);
    synchronized (lock) {
      requireOpen();
      if (install.isResident()) {
        return true;
      }
      if (!install.prepare()) {
        return false;
      }
      workBegins();
    }
    boolean copied = false;
    try {
      memory.copyIn(install.pages(), bytes);
      copied = true;
    } finally {
      synchronized (lock) {
        install.finish(copied);
        workEnds();
      }
    }
    return true;
  }

  /**
   * Waits for the tiles that are being read: what they hold can be evicted then. Under the lock,
   * which is given up meanwhile.
   *
   * @return whether there were any
   */
  boolean awaitReads() {
    if (reading == 0) {
      return false;
    }
    awaitingReads++;
    awaitUninterrupted(() -> reading == 0);
    awaitingReads--;
    lock.notifyAll();
    return true;
  }

  /**
   * What is resident of a prompt, in full tiles.
   *
   * @param tiles leading full tiles, at most all before the prompt's last token
   * @param last name of the last of them; the root's where there is none
   */
  record ResidentPrefix(int tiles, TileName last) {}

  /** Looks without taking anything. */
  ResidentPrefix residentPrefix(SequenceRequest request) {
    TileName root = root(request);
    synchronized (lock) {
      List<TileGroup> groups =
          new PromptMatch(store.index, root, request.prompt(), options.geometry().tileTokens())
              .groups;
      TileName last = groups.isEmpty() ? null : groups.get(groups.size() - 1).name();
      return new ResidentPrefix(groups.size(), last == null ? root : last);
    }
  }

  /** Hands the bytes of tiles that make room to a sink from now on; null drops them again. */
  void saveEvicted(@Nullable EvictionSink to) {
    synchronized (lock) {
      sink = to;
      store.saveEvicted(to != null && memory.copiesToHost());
    }
  }

  /** Says where tiles are that have left the pool; null where they are nowhere. */
  void below(@Nullable LowerTier tier) {
    synchronized (lock) {
      below = tier;
    }
  }

  /** The tier below the pool, or null. */
  @Nullable LowerTier below() {
    synchronized (lock) {
      return below;
    }
  }

  /** Saves tiles that have made room, outside the lock. What cannot be saved is computed again. */
  void save(List<EvictedTile> evicted) {
    if (evicted.isEmpty()) {
      return;
    }
    EvictionSink to;
    synchronized (lock) {
      to = sink;
    }
    if (to != null) {
      evicted.forEach(tile -> to.save(tile, memory));
    }
  }

  /** A lower tier has lost a tile that it held. */
  void loadFailed(ChainHash name) {
    synchronized (lock) {
      store.index.loadFailed(name);
    }
  }

  @Override
  public boolean loading() {
    synchronized (lock) {
      return loads > 0;
    }
  }

  /** Called by a load that ends. */
  void loadEnded() {
    synchronized (lock) {
      loads--;
    }
  }

  /** Names of all resident tiles, parents before what continues them. O(tiles), under the lock. */
  public List<NamedTile> residentTiles() {
    synchronized (lock) {
      return store.index.describeAll();
    }
  }

  /** The hottest resident tiles, at most {@code most}, parents before what continues them. */
  public List<NamedTile> hottestTiles(int most) {
    synchronized (lock) {
      return store.hottest(most);
    }
  }

  /**
   * Tells a listener of all resident tiles now, and of each that comes or goes from now on. There
   * is one listener at most.
   */
  public void listen(TileListener listener) {
    synchronized (lock) {
      store.listen(listener);
    }
  }

  /** What all tiles of this cache have in common. */
  public Namespace namespace() {
    return options.namespace();
  }

  /** Bytes of a tile of all heads. */
  public int groupBytes() {
    return options.geometry().kvHeads() * options.geometry().tileBytes();
  }

  /** Fills tiles of a load, outside the lock. */
  void copyIn(List<TileGroup> groups, List<ByteBuffer> bytes) {
    memory.copyIn(groups.stream().map(TileGroup::pages).toList(), bytes);
  }

  /** Makes the sequence known, or takes it back where something went wrong. */
  private void endOpening(Opening opening, @Nullable List<TileName> missed) {
    synchronized (lock) {
      opening.finish();
      workEnds();
      if (missed == null || closed) {
        opening.sequence.giveBack();
      } else {
        open.add(opening.sequence);
        count(opening, missed);
      }
      if (missed != null) {
        requireOpen();
      }
    }
  }

  /** Somebody works on retained pages outside the lock; under the lock. */
  void workBegins() {
    working++;
  }

  /** Ends what {@link #workBegins} began; under the lock. */
  void workEnds() {
    working--;
    lock.notifyAll();
  }

  private void requireFits(SequenceRequest request) {
    long most = (long) options.maxTiles() * options.geometry().tileTokens();
    if (request.prompt().length > most) {
      throw new TileKvException(
          "the prompt has "
              + request.prompt().length
              + " tokens; sequences of this cache have at most "
              + most);
    }
  }

  private void count(Opening opening, List<TileName> missed) {
    CacheCounters counters = store.counters;
    TileSequence sequence = opening.sequence;
    if (sequence.reuses()) {
      missed.forEach(name -> counters.missed(store.index.missReason(name)));
      // A prompt's last token is never looked for, so that one tile always is.
      counters.missed(MissReason.TOO_SHORT);
    }
    counters.sequencesOpened++;
    counters.promptTokens += sequence.request().prompt().length;
    counters.reusedTokens += sequence.cachedTokens();
    counters.hitTiles += opening.fullTiles();
    counters.partialHits += opening.copy() == null ? 0 : 1;
    counters.copiedPages += opening.copy() == null ? 0 : store.heads();
  }

  /** Copies leading slots between two groups, outside the lock. */
  void copySlots(PageCopy copy) {
    memory.copySlots(copy.from().pages(), copy.to().pages(), copy.slots());
  }

  /** As {@link #lettingGo}, of pages that are given back because something failed. */
  void lettingGoAfter(Throwable failure) {
    try {
      memory.lettingGo();
    } catch (Throwable e) {
      failure.addSuppressed(e);
    }
  }

  /** Pages are given back that a step under way may use, outside the lock. */
  void lettingGo() {
    memory.lettingGo();
  }

  @Override
  public PrefixProbe probe(SequenceRequest request) {
    if (!reuses(request)) {
      return new PrefixProbe(0, 0);
    }
    TileName root = root(request);
    int tileTokens = options.geometry().tileTokens();
    synchronized (lock) {
      int resident = new PromptMatch(store.index, root, request.prompt(), tileTokens).tokens();
      int promised = resident;
      for (TileSequence other : open) {
        promised = Math.max(promised, other.promisedTokens(request.prompt(), root));
      }
      return new PrefixProbe(resident, promised);
    }
  }

  @Override
  public PlannedRows plan(BatchPlan plan) {
    return new OpenPlan(lock, store.policy(), plan);
  }

  @Override
  public int availablePages() {
    synchronized (lock) {
      awaitReads();
      return store.availablePages();
    }
  }

  @Override
  public int releaseOwner(long owner) {
    synchronized (lock) {
      return closeAll(sequence -> sequence.request().owner() == owner);
    }
  }

  @Override
  public int expireLeases() {
    long now = options.clockMs().getAsLong();
    synchronized (lock) {
      int expired = closeAll(sequence -> sequence.leaseEndMs() < now);
      store.counters.expiredLeases += expired;
      return expired;
    }
  }

  private int closeAll(Predicate<TileSequence> which) {
    List<TileSequence> closing = open.stream().filter(TileSequence::isOpen).filter(which).toList();
    closing.forEach(TileSequence::close);
    return closing.size();
  }

  /** Called under the lock by a sequence that closes. */
  void closed(TileSequence sequence) {
    open.remove(sequence);
  }

  @Override
  public int clear() {
    synchronized (lock) {
      int before = store.pool.freePages();
      while (store.dropVictim()) {
        continue;
      }
      return store.pool.freePages() - before;
    }
  }

  @Override
  public CacheStats stats() {
    synchronized (lock) {
      CacheCounters c = store.counters;
      return new CacheStats(
          c.sequencesOpened,
          c.promptTokens,
          c.reusedTokens,
          c.hitTiles,
          c.partialHits,
          c.missedTiles(),
          c.publishedTiles,
          c.loadedTiles,
          c.evictedTiles,
          c.evictions(),
          c.copiedPages,
          store.pool.pages(),
          store.pool.freePages(),
          store.droppablePages(),
          c.pinnedPages,
          c.tableReferences,
          c.peakPinnedPages,
          c.peakTableReferences,
          open.size(),
          c.expiredLeases);
    }
  }

  @Override
  public void checkIntegrity() {
    synchronized (lock) {
      new CacheIntegrity(store, open).check();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new TileKvException("the tile cache is closed");
    }
  }

  @Override
  public void close() {
    synchronized (lock) {
      if (closed) {
        return;
      }
      closed = true;
      closeAll(sequence -> true);
      awaitUninterrupted(() -> working == 0);
      clear();
      memory.close();
    }
  }

  /** Waits under the lock, which is given up meanwhile. */
  private void awaitUninterrupted(BooleanSupplier condition) {
    boolean interrupted = false;
    while (!condition.getAsBoolean()) {
      try {
        lock.wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
