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
package org.tilekv.tier;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.tilekv.page.LruOrder;

/**
 * Bookkeeping of the host tier: which frame holds which key, in which order they were used, who is
 * copying. Touches no bytes.
 *
 * <p>A frame is in one of four states:
 *
 * <pre>
 *   free --reserve--> writing --publish--> resident --evict, replace, remove--> free
 *     ^                  |                     `-- same, while pinned --> detached
 *     `-----abandon------'                                                   |
 *     `------------------------last unpin------------------------------------'
 * </pre>
 *
 * <p>A resident frame is pinned while readers copy from it. Taking it out of the index never waits
 * for them: it becomes detached, invisible to new readers, and is free again when the last one has
 * unpinned. So eviction follows the exact order of use, and no frame is written while it is read.
 *
 * <p>There are more frames than tiles may be resident: the spare ones are for tiles in flight. A
 * thread holds at most one frame that is not resident, so with as many spare frames as threads a
 * free one is always there. With more threads, {@link #reserve} evicts early, and says {@link
 * KeyIndex#NONE} when all is pinned.
 *
 * <p>One lock guards all but the pins, for tens of nanoseconds per call and never during a copy.
 * Pins are taken under the lock and given back without it, except by the last reader of a detached
 * frame.
 */
final class FrameTable {
  private static final int DETACHED = Integer.MIN_VALUE;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition allFree = lock.newCondition();
  private final int capacityTiles;
  private final KeyIndex index;
  private final LruOrder order;
  private final int[] free;
  private int freeCount;
  private boolean closed;

  /** Readers per frame, plus {@link #DETACHED}; 1 while the frame is written. */
  private final AtomicIntegerArray pins;

  private long hits;
  private long misses;
  private long puts;
  private long rejectedPuts;
  private long evictions;

  FrameTable(int capacityTiles, int spareFrames) {
    int frames = capacityTiles + spareFrames;
    this.capacityTiles = capacityTiles;
    this.index = new KeyIndex(frames);
    this.order = new LruOrder(frames);
    this.pins = new AtomicIntegerArray(frames);
    this.free = new int[frames];
    for (int frame = frames - 1; frame >= 0; frame--) {
      free[freeCount++] = frame;
    }
  }

  int capacityTiles() {
    return capacityTiles;
  }

  /** Pins the frame of a key and makes it the newest; {@link KeyIndex#NONE} on a miss. */
  int pin(TileKey key) {
    lock.lock();
    try {
      requireOpen();
      int frame = index.find(key);
      if (frame == KeyIndex.NONE) {
        misses++;
        return frame;
      }
      hits++;
      order.touch(frame);
      pins.getAndIncrement(frame);
      return frame;
    } finally {
      lock.unlock();
    }
  }

  /** Like {@link #pin} without an effect on order and counters. */
  int pinQuietly(TileKey key) {
    lock.lock();
    try {
      requireOpen();
      int frame = index.find(key);
      if (frame != KeyIndex.NONE) {
        pins.getAndIncrement(frame);
      }
      return frame;
    } finally {
      lock.unlock();
    }
  }

  /** Ends a {@link #pin}. */
  void unpin(int frame) {
    if (pins.addAndGet(frame, -1) == DETACHED) {
      lock.lock();
      try {
        release(frame);
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Takes a frame to write to, which no one else sees until {@link #publish}. {@link KeyIndex#NONE}
   * when every frame is in use by a running call, or nothing may be resident.
   */
  int reserve() {
    lock.lock();
    try {
      requireOpen();
      if (capacityTiles == 0 || (freeCount == 0 && !evictOldestUnpinned())) {
        rejectedPuts++;
        return KeyIndex.NONE;
      }
      int frame = free[--freeCount];
      pins.set(frame, 1);
      return frame;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes a written frame the newest tile of {@code key}, in place of an older one, or evicting the
   * least recently used where the cache is full. False where the cache was closed meanwhile.
   */
  boolean publish(int frame, TileKey key) {
    lock.lock();
    try {
      if (closed) {
        release(frame);
        return false;
      }
      int replaced = index.find(key);
      if (replaced != KeyIndex.NONE) {
        detach(replaced);
      } else if (index.size() == capacityTiles) {
        evict(order.oldest());
      }
      pins.set(frame, 0);
      index.insert(frame, key);
      order.addNewest(frame);
      puts++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Gives a reserved frame back unpublished. */
  void abandon(int frame) {
    lock.lock();
    try {
      rejectedPuts++;
      release(frame);
    } finally {
      lock.unlock();
    }
  }

  boolean contains(TileKey key) {
    lock.lock();
    try {
      requireOpen();
      return index.find(key) != KeyIndex.NONE;
    } finally {
      lock.unlock();
    }
  }

  boolean remove(TileKey key) {
    lock.lock();
    try {
      requireOpen();
      int frame = index.find(key);
      if (frame == KeyIndex.NONE) {
        return false;
      }
      detach(frame);
      return true;
    } finally {
      lock.unlock();
    }
  }

  void clear() {
    lock.lock();
    try {
      requireOpen();
      detachAll();
    } finally {
      lock.unlock();
    }
  }

  List<TileKey> keysOldestFirst() {
    lock.lock();
    try {
      requireOpen();
      List<TileKey> keys = new ArrayList<>(index.size());
      for (int f = order.oldest(); !order.isEnd(f); f = order.newerThan(f)) {
        keys.add(index.key(f));
      }
      return keys;
    } finally {
      lock.unlock();
    }
  }

  /** Drops all tiles, refuses new calls, waits for running copies. False if closed before. */
  boolean close() {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      closed = true;
      detachAll();
      while (freeCount < free.length) {
        allFree.awaitUninterruptibly();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  HostTileCacheStats stats(int tileBytes, long allocatedBytes, long corruptTiles) {
    lock.lock();
    try {
      return new HostTileCacheStats(
          hits,
          misses,
          puts,
          rejectedPuts,
          evictions,
          corruptTiles,
          capacityTiles,
          index.size(),
          (long) index.size() * tileBytes,
          allocatedBytes);
    } finally {
      lock.unlock();
    }
  }

  /** Throws {@link IllegalStateException} unless everything adds up and nothing is pinned. */
  void checkIntegrity() {
    lock.lock();
    try {
      require(order.isConsistent(), "the links of the order of use disagree");
      BitSet seen = new BitSet(free.length);
      for (int f = order.oldest(); !order.isEnd(f); f = order.newerThan(f)) {
        checkFrame(seen, f);
        require(index.find(index.key(f)) == f, "frame " + f + " is not found by its key");
      }
      int resident = seen.cardinality();
      require(resident == index.size(), resident + " frames in order, " + index.size() + " keys");
      require(resident <= capacityTiles, resident + " tiles; allowed are " + capacityTiles);
      for (int i = 0; i < freeCount; i++) {
        checkFrame(seen, free[i]);
      }
      require(
          seen.cardinality() == free.length,
          resident
              + " resident and "
              + freeCount
              + " free frames; together they must be "
              + free.length);
    } finally {
      lock.unlock();
    }
  }

  private void checkFrame(BitSet seen, int frame) {
    require(!seen.get(frame), "frame " + frame + " is there twice");
    require(pins.get(frame) == 0, "frame " + frame + " has pins " + pins.get(frame));
    seen.set(frame);
  }

  private static void require(boolean holds, String violation) {
    if (!holds) {
      throw new IllegalStateException("host tile cache: " + violation);
    }
  }

  private boolean evictOldestUnpinned() {
    for (int f = order.oldest(); !order.isEnd(f); f = order.newerThan(f)) {
      if (pins.get(f) == 0) {
        evict(f);
        return true;
      }
    }
    return false;
  }

  private void evict(int frame) {
    evictions++;
    detach(frame);
  }

  private void detachAll() {
    while (!order.isEnd(order.oldest())) {
      detach(order.oldest());
    }
  }

  private void detach(int frame) {
    index.remove(frame);
    order.remove(frame);
    if (pins.getAndAdd(frame, DETACHED) == 0) {
      release(frame);
    }
  }

  private void release(int frame) {
    pins.set(frame, 0);
    free[freeCount++] = frame;
    if (closed) {
      allFree.signalAll();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the host tile cache is closed");
    }
  }
}
