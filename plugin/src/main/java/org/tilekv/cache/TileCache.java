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

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tilekv.CacheStats;
import org.tilekv.KvCache;
import org.tilekv.KvSequence;
import org.tilekv.MissReason;
import org.tilekv.SequenceRequest;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;
import org.tilekv.TileMemory;
import org.tilekv.attention.KvMemory;
import org.tilekv.page.PageTable;
import org.tilekv.prefix.PartialMatch;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/**
 * One executor's cache of KV tiles, in RAM or on a device.
 *
 * <p>One lock guards all bookkeeping; bytes are copied outside of it, from groups that are retained
 * and into groups that nobody else knows yet. A decoder reads and writes the tiles of open
 * sequences through {@link #table} and the memory that the cache was created with.
 */
public final class TileCache implements KvCache {

  private final TileCacheOptions options;
  private final TileMemory memory;
  private final Object lock = new Object();
  // All below is guarded by the lock.
  private final TileStore store;
  private final Set<TileSequence> open = new LinkedHashSet<>();
  private boolean closed;

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
    TileSequence sequence;
    PartialMatch partial = null;
    TileGroup copy = null;
    synchronized (lock) {
      requireOpen();
      if (store.freeRows() == 0) {
        return null;
      }
      sequence = new TileSequence(this, request, reuses(request), root);
      if (sequence.reuses()) {
        PromptMatch match =
            new PromptMatch(store.index, root, request.prompt(), options.geometry().tileTokens());
        match.groups.forEach(group -> store.append(sequence.beam(0), group));
        partial = match.partial;
        copy = partial == null ? null : copyTarget(partial.donor());
      }
    }
    if (partial != null && copy != null) {
      copySlots(partial.donor(), copy, partial.slots());
    }
    List<TileName> missed = missedNames(sequence, root);
    synchronized (lock) {
      if (partial != null && copy != null) {
        store.append(sequence.beam(0), copy);
        store.release(partial.donor());
      }
      register(sequence, copy == null || partial == null ? 0 : partial.slots(), missed);
    }
    return sequence;
  }

  /** The matched groups are retained: their names can be read without the lock. */
  private List<TileName> missedNames(TileSequence sequence, TileName root) {
    if (!sequence.reuses()) {
      return List.of();
    }
    List<TileGroup> matched = sequence.beam(0).groups;
    TileName last =
        matched.isEmpty() ? root : Objects.requireNonNull(matched.get(matched.size() - 1).name());
    int tileTokens = options.geometry().tileTokens();
    return PromptMatch.missedNames(
        last, sequence.request().prompt(), matched.size() * tileTokens, tileTokens);
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

  /** A private group to copy into, with the donor retained; null where there is no room. */
  private @Nullable TileGroup copyTarget(TileGroup donor) {
    store.retain(donor);
    List<TileGroup> groups = store.allocate(1);
    if (groups == null) {
      store.release(donor);
      return null;
    }
    return groups.get(0);
  }

  private void register(TileSequence sequence, int partialSlots, List<TileName> missed) {
    BeamState beam = sequence.beam(0);
    int tileTokens = options.geometry().tileTokens();
    int fullTiles = beam.groups.size() - (partialSlots > 0 ? 1 : 0);
    int cached = fullTiles * tileTokens + partialSlots;
    int[] prompt = sequence.request().prompt();
    System.arraycopy(prompt, fullTiles * tileTokens, beam.tail, 0, partialSlots);
    beam.length = cached;
    sequence.opened(cached);
    open.add(sequence);
    count(sequence, fullTiles, partialSlots, missed);
    if (closed) {
      sequence.close();
      requireOpen();
    }
  }

  private void count(
      TileSequence sequence, int fullTiles, int partialSlots, List<TileName> missed) {
    CacheCounters counters = store.counters;
    int[] prompt = sequence.request().prompt();
    if (sequence.reuses()) {
      missed.forEach(name -> counters.missed(store.index.missReason(name)));
      if ((fullTiles + missed.size()) * options.geometry().tileTokens() < prompt.length) {
        counters.missed(MissReason.TOO_SHORT);
      }
    }
    counters.sequencesOpened++;
    counters.promptTokens += prompt.length;
    counters.reusedTokens += sequence.cachedTokens();
    counters.hitTiles += fullTiles;
    counters.partialHits += partialSlots > 0 ? 1 : 0;
    counters.copiedPages += partialSlots > 0 ? store.heads() : 0;
  }

  /** Copies leading slots between two groups, outside the lock. */
  void copySlots(TileGroup from, TileGroup to, int slots) {
    memory.copySlots(from.pages(), to.pages(), slots);
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
  public int availablePages() {
    synchronized (lock) {
      return store.availablePages();
    }
  }

  @Override
  public int releaseOwner(long owner) {
    synchronized (lock) {
      return closeAll(
          open.stream().filter(sequence -> sequence.request().owner() == owner).toList());
    }
  }

  @Override
  public int expireLeases() {
    long now = options.clockMs().getAsLong();
    synchronized (lock) {
      int expired =
          closeAll(open.stream().filter(sequence -> sequence.leaseEndMs() < now).toList());
      store.counters.expiredLeases += expired;
      return expired;
    }
  }

  private static int closeAll(List<TileSequence> sequences) {
    sequences.forEach(TileSequence::close);
    return sequences.size();
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
          c.evictedTiles,
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
      closeAll(List.copyOf(open));
      clear();
      closed = true;
      memory.close();
    }
  }
}
