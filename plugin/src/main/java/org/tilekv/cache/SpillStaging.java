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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.HostAllocator;
import org.tilekv.TileMemory;
import org.tilekv.TileMemory.Copy;
import org.tilekv.prefix.NamedTile;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.Reuse;

/**
 * Tiles between the pool and a lower tier: copied here when they leave the pool, and written from
 * here in the background, so that who needs their pages waits for a copy in memory and never for
 * I/O. A tile can be read back as soon as it has been copied. When all slots are in use tiles are
 * dropped, and counted. Thread-safe.
 *
 * <pre>
 *   free -> filling -> queued -> writing -> free
 *             |                     |
 *             +-> free: the copy    +-> a reader keeps the slot
 *                 failed                until it is done
 * </pre>
 *
 * A copy from a device may be under way while its slot is queued; who needs the bytes waits for it.
 *
 * <p>The lock guards bookkeeping only.
 */
final class SpillStaging implements EvictionSink, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(SpillStaging.class);

  private final LowerTier tier;
  private final HostAllocator allocator;
  private final Executor executor;
  private final int groupBytes;
  private final int mostSlots;
  private final TierCounters counters;
  // The rest is guarded by this.
  private final Deque<Slot> free = new ArrayDeque<>();
  private final Deque<Slot> queued = new ArrayDeque<>();
  private final Map<GroupKey, Slot> staged = new HashMap<>();
  private int slots;
  private boolean writing;
  private boolean closed;
  private boolean warned;

  /**
   * Allocates nothing yet: slots are made when they are first needed.
   *
   * @param stagingBytes most bytes of slots; at least one slot is made
   * @param executor runs the writes, one at a time
   */
  SpillStaging(
      LowerTier tier,
      long stagingBytes,
      HostAllocator allocator,
      Executor executor,
      TierCounters counters) {
    this.tier = tier;
    this.allocator = allocator;
    this.executor = executor;
    this.counters = counters;
    groupBytes = tier.groupBytes();
    mostSlots = (int) Math.max(1, Math.min(Integer.MAX_VALUE, stagingBytes / groupBytes));
  }

  /** One tile's bytes on their way. */
  private static final class Slot {
    private final ByteBuffer bytes;
    private @Nullable GroupMeta meta;
    private Reuse reuse = Reuse.UNKNOWN;
    private int readers;
    // Guarded by the slot; null once it has ended.
    private @Nullable Copy copy;
    private boolean broken;

    Slot(ByteBuffer bytes) {
      this.bytes = bytes;
    }

    synchronized void fill(Copy with) {
      copy = with;
      broken = false;
    }

    /** Waits until the bytes are there; false where they are not to be had. */
    synchronized boolean filled() {
      Copy with = copy;
      copy = null;
      if (with != null) {
        broken = true;
        with.await();
        broken = false;
      }
      return !broken;
    }
  }

  static GroupMeta metaOf(NamedTile tile) {
    return new GroupMeta(tile.name().bytes(), tile.parent().bytes(), tile.tokens());
  }

  @Override
  public void save(EvictedTile evicted, TileMemory memory) {
    GroupMeta meta = metaOf(evicted.tile());
    GroupKey key = meta.key();
    if (tier.contains(key)) {
      counters.cleanEvictions.increment();
      return;
    }
    if (!contains(key) && !tier.admits(key, evicted.reuse())) {
      counters.refusedSaves.increment();
      return;
    }
    Slot slot = take(key);
    if (slot == null) {
      return;
    }
    boolean copied = false;
    try {
      slot.fill(memory.beginCopyOut(evicted.pages(), slot.bytes.clear()));
      copied = true;
    } catch (RuntimeException e) {
      warn("a tile cannot be copied", e);
    } finally {
      finishCopy(slot, key, copied ? meta : null, evicted.reuse());
    }
  }

  /** A slot to fill, or null where the tile is here already or there is none. */
  private @Nullable Slot take(GroupKey key) {
    synchronized (this) {
      if (staged.containsKey(key)) {
        counters.cleanEvictions.increment();
        return null;
      }
      Slot slot = closed ? null : free.pollFirst();
      if (slot != null) {
        return slot;
      }
      if (closed || slots == mostSlots) {
        counters.droppedUnsaved.increment();
        return null;
      }
      slots++;
    }
    return allocate();
  }

  /** Makes a slot that is counted already; null where there is no memory for it. */
  private @Nullable Slot allocate() {
    Slot made = null;
    try {
      made = new Slot(allocator.allocate(groupBytes));
    } catch (OutOfMemoryError e) {
      warn("there is no memory for one more tile on its way to a lower tier", e);
    } finally {
      if (made == null) {
        notAllocated();
      }
    }
    return made;
  }

  private synchronized void notAllocated() {
    slots--;
    counters.droppedUnsaved.increment();
  }

  private void finishCopy(Slot slot, GroupKey key, @Nullable GroupMeta meta, Reuse reuse) {
    boolean stages;
    boolean start = false;
    synchronized (this) {
      stages = meta != null && !closed && staged.putIfAbsent(key, slot) == null;
      if (stages) {
        slot.meta = meta;
        slot.reuse = reuse;
        queued.addLast(slot);
        start = !writing;
        writing = true;
      } else {
        whyNotStaged(meta).increment();
      }
    }
    if (!stages) {
      drain(slot);
    } else if (start) {
      startWriting();
    }
  }

  /** Gives a slot back that nobody reads, once nothing is copied there any more. */
  private void drain(Slot slot) {
    try {
      slot.filled();
    } catch (RuntimeException e) {
      warn("a tile cannot be copied", e);
    } finally {
      synchronized (this) {
        giveBack(slot);
      }
    }
  }

  /** A tile that is staged already was evicted by another thread, too, and is the same. */
  private LongAdder whyNotStaged(@Nullable GroupMeta meta) {
    if (meta == null) {
      return counters.failedSaves;
    }
    return closed ? counters.droppedUnsaved : counters.cleanEvictions;
  }

  private void startWriting() {
    try {
      executor.execute(this::write);
    } catch (RejectedExecutionException e) {
      synchronized (this) {
        writing = false;
      }
    }
  }

  /** Writes what is queued, until nothing is; an error ends the thread, and another goes on. */
  private void write() {
    boolean done = false;
    try {
      for (Slot slot = nextToWrite(); slot != null; slot = nextToWrite()) {
        GroupMeta meta = slot.meta;
        if (meta != null) {
          write(slot, meta);
        }
      }
      done = true;
    } finally {
      if (!done) {
        startWriting();
      }
    }
  }

  private synchronized @Nullable Slot nextToWrite() {
    Slot slot = queued.pollFirst();
    writing = slot != null;
    return slot;
  }

  private void write(Slot slot, GroupMeta meta) {
    boolean saved = false;
    try {
      saved = slot.filled() && tier.put(meta, whole(slot), slot.reuse);
    } catch (RuntimeException | OutOfMemoryError e) {
      warn("a tile cannot be written to a lower tier", e);
    } finally {
      (saved ? counters.savedTiles : counters.refusedSaves).increment();
      finishWrite(slot, meta.key());
    }
  }

  private ByteBuffer whole(Slot slot) {
    return slot.bytes.duplicate().position(0).limit(groupBytes);
  }

  private synchronized void finishWrite(Slot slot, GroupKey key) {
    staged.remove(key);
    slot.meta = null;
    if (slot.readers == 0) {
      giveBack(slot);
    }
  }

  private void giveBack(Slot slot) {
    if (closed) {
      allocator.free(slot.bytes);
      slots--;
    } else {
      free.addFirst(slot);
    }
  }

  /** Whether a tile is on its way and can be read. */
  synchronized boolean contains(GroupKey key) {
    return staged.containsKey(key);
  }

  /** Copies a tile that is on its way; null where it is not, {@code dst} is as it was then. */
  @Nullable GroupMeta get(GroupKey key, ByteBuffer dst) {
    Slot slot;
    GroupMeta meta;
    synchronized (this) {
      slot = staged.get(key);
      meta = slot == null ? null : slot.meta;
      if (slot == null || meta == null) {
        return null;
      }
      slot.readers++;
    }
    try {
      if (!slot.filled()) {
        return null;
      }
      dst.put(dst.position(), slot.bytes, 0, groupBytes);
    } finally {
      synchronized (this) {
        slot.readers--;
        if (slot.meta == null && slot.readers == 0) {
          giveBack(slot);
        }
      }
    }
    return meta;
  }

  private synchronized void warn(String what, Throwable why) {
    if (!warned) {
      warned = true;
      LOG.warn(
          "{}; it is computed again when it is needed, and this is not logged again", what, why);
    }
  }

  /** Verifies that every slot is where it should be; while nobody copies or writes. */
  synchronized void checkIntegrity() {
    if (free.size() + staged.size() != slots || queued.size() != staged.size()) {
      throw new IllegalStateException(
          slots
              + " slots; "
              + free.size()
              + " free, "
              + staged.size()
              + " staged, "
              + queued.size()
              + " queued");
    }
    staged.forEach(
        (key, slot) -> {
          GroupMeta meta = slot.meta;
          if (meta == null || !meta.key().equals(key) || slot.readers != 0) {
            throw new IllegalStateException("tile " + key + " is staged as " + meta);
          }
        });
  }

  /**
   * Drops what is queued. Slots come free when those who use them are done; the executor, which is
   * the caller's, may still write one.
   */
  @Override
  public void close() {
    unusedWhenClosed().forEach(this::drain);
  }

  private synchronized List<Slot> unusedWhenClosed() {
    if (closed) {
      return List.of();
    }
    closed = true;
    List<Slot> unused = new ArrayList<>(free);
    for (Slot slot : queued) {
      counters.droppedUnsaved.increment();
      GroupMeta meta = slot.meta;
      slot.meta = null;
      if (meta != null) {
        staged.remove(meta.key());
      }
      if (slot.readers == 0) {
        unused.add(slot);
      }
    }
    free.clear();
    queued.clear();
    return unused;
  }

  /** Slots that are allocated. */
  synchronized int allocatedSlots() {
    return slots;
  }
}
