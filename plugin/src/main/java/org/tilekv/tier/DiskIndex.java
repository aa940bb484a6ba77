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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.tilekv.tier.DiskSlot.State;

/**
 * Bookkeeping of the disk tier: which slot holds which group, in which order they were used over
 * all directories, who is copying. Touches no files.
 *
 * <pre>
 *   free --reserve--> writing --publish--> resident --evict, drop--> free
 *     ^                  |                     `-- drop, while pinned --> detached
 *     `-----abandon------'                                                   |
 *     `------------------------last unpin------------------------------------'
 * </pre>
 *
 * <p>A slot that is pinned is never evicted, so it is never written while it is read. One lock
 * guards everything, and is never held during I/O. Every slot handed out counts as a use of its
 * directory; the files of a directory that is {@link DiskSpace#out} are closed by whoever ends its
 * last use, which is what a returned true of {@link #unpin}, {@link #publish}, {@link #abandon} and
 * {@link #release} asks for.
 */
final class DiskIndex {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private final Map<GroupKey, DiskSlot> resident = new HashMap<>();
  private final Map<GroupKey, DiskSlot> writing = new HashMap<>();
  private final List<DiskSpace> spaces = new ArrayList<>();
  private final long smallestSegmentBytes;
  private boolean closed;

  /** Number of the last use or write. */
  private long tick;

  private long evictions;

  DiskIndex(long smallestSegmentBytes) {
    this.smallestSegmentBytes = smallestSegmentBytes;
  }

  DiskSpace addSpace(long capBytes) {
    lock.lock();
    try {
      DiskSpace space = new DiskSpace(spaces.size(), capBytes);
      spaces.add(space);
      return space;
    } finally {
      lock.unlock();
    }
  }

  boolean contains(GroupKey key) {
    lock.lock();
    try {
      return !closed && resident.containsKey(key);
    } finally {
      lock.unlock();
    }
  }

  /** Groups that are resident. */
  List<GroupKey> keys() {
    lock.lock();
    try {
      return closed ? List.of() : List.copyOf(resident.keySet());
    } finally {
      lock.unlock();
    }
  }

  /** Makes a group the most recently used; false where it is not there. */
  boolean touch(GroupKey key) {
    lock.lock();
    try {
      DiskSlot slot = resident.get(key);
      if (slot == null || closed) {
        return false;
      }
      use(slot);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void use(DiskSlot slot) {
    slot.space.unlink(slot);
    slot.space.addNewest(slot);
    slot.lastUse = ++tick;
  }

  /** Pins the slot of a group and makes it the most recently used; null on a miss. */
  @Nullable DiskSlot pin(GroupKey key) {
    return pin(key, true);
  }

  /** Pins the slot of a group without using it; null on a miss. */
  @Nullable DiskSlot peek(GroupKey key) {
    return pin(key, false);
  }

  private @Nullable DiskSlot pin(GroupKey key, boolean uses) {
    lock.lock();
    try {
      DiskSlot slot = closed ? null : resident.get(key);
      if (slot != null) {
        if (uses) {
          use(slot);
        }
        slot.pins++;
        slot.space.users++;
      }
      return slot;
    } finally {
      lock.unlock();
    }
  }

  /** Ends a {@link #pin} or {@link #peek}. */
  boolean unpin(DiskSlot slot) {
    lock.lock();
    try {
      slot.pins--;
      if (slot.state == State.DETACHED && slot.pins == 0) {
        free(slot);
      }
      return endUse(slot.space);
    } finally {
      lock.unlock();
    }
  }

  /**
   * What {@link #reserve} found: a slot to write to, or a directory that must grow first by at most
   * {@code growBytes}, or neither.
   */
  record Room(@Nullable DiskSlot slot, @Nullable DiskSpace grow, long growBytes) {
    static final Room NONE = new Room(null, null, 0);
  }

  /**
   * Finds room for a group that is neither there nor being written: in the emptiest directory that
   * has some, or else in place of the least recently used group of all.
   */
  Room reserve(GroupKey key, long nowMs) {
    lock.lock();
    try {
      if (closed || resident.containsKey(key) || writing.containsKey(key)) {
        return Room.NONE;
      }
      DiskSpace space = emptiest(nowMs);
      if (space != null && space.free.isEmpty()) {
        space.growing = true;
        space.users++;
        return new Room(null, space, space.capBytes - space.fileBytes);
      }
      DiskSlot slot = space == null ? evictOldest() : space.free.poll();
      if (slot == null) {
        return awaitGrowth() ? reserve(key, nowMs) : Room.NONE;
      }
      startWriting(slot, key);
      return new Room(slot, null, 0);
    } finally {
      lock.unlock();
    }
  }

  /** Whether a group finds room without another one going for it. */
  boolean hasRoom(long nowMs) {
    lock.lock();
    try {
      return !closed && emptiest(nowMs) != null;
    } finally {
      lock.unlock();
    }
  }

  // Nothing is there to evict while the first segment is made.
  private boolean awaitGrowth() {
    boolean grows = spaces.stream().anyMatch(space -> space.growing && !space.out);
    if (grows) {
      idle.awaitUninterruptibly();
    }
    return grows;
  }

  private @Nullable DiskSpace emptiest(long nowMs) {
    DiskSpace best = null;
    for (DiskSpace space : spaces) {
      boolean has = !space.free.isEmpty() || space.mayGrow(smallestSegmentBytes, nowMs);
      if (!space.out && has && (best == null || space.load() < best.load())) {
        best = space;
      }
    }
    return best;
  }

  private @Nullable DiskSlot evictOldest() {
    DiskSlot best = null;
    for (DiskSpace space : spaces) {
      DiskSlot slot = space.oldestUnpinned();
      if (slot != null && (best == null || slot.lastUse < best.lastUse)) {
        best = slot;
      }
    }
    if (best != null) {
      evictions++;
      detach(best);
      best.space.free.remove(best);
    }
    return best;
  }

  private void startWriting(DiskSlot slot, GroupKey key) {
    slot.state = State.WRITING;
    slot.key = key;
    slot.sequence = ++tick;
    slot.space.writing++;
    slot.space.users++;
    writing.put(key, slot);
  }

  /** Makes a written group visible, unless its directory dropped out meanwhile. */
  boolean publish(DiskSlot slot) {
    lock.lock();
    try {
      GroupKey key = endWriting(slot);
      if (slot.space.out) {
        free(slot);
      } else {
        slot.state = State.RESIDENT;
        slot.key = key;
        slot.lastUse = ++tick;
        slot.space.addNewest(slot);
        resident.put(key, slot);
      }
      return endUse(slot.space);
    } finally {
      lock.unlock();
    }
  }

  /** Gives a slot back that was not written. */
  boolean abandon(DiskSlot slot) {
    lock.lock();
    try {
      endWriting(slot);
      free(slot);
      return endUse(slot.space);
    } finally {
      lock.unlock();
    }
  }

  private GroupKey endWriting(DiskSlot slot) {
    GroupKey key = slot.key;
    if (key == null || slot.state != State.WRITING) {
      throw new IllegalStateException("slot " + slot.number + " is " + slot.state);
    }
    writing.remove(key);
    slot.space.writing--;
    return key;
  }

  /** Drops a group; false where it is not there. */
  boolean drop(GroupKey key) {
    lock.lock();
    try {
      DiskSlot slot = closed ? null : resident.get(key);
      if (slot == null) {
        return false;
      }
      detach(slot);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Drops the group of a pinned slot; false where it is not there any more. */
  boolean drop(DiskSlot slot) {
    lock.lock();
    try {
      if (slot.state != State.RESIDENT) {
        return false;
      }
      detach(slot);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void detach(DiskSlot slot) {
    resident.remove(slot.key);
    slot.space.unlink(slot);
    slot.state = State.DETACHED;
    if (slot.pins == 0) {
      free(slot);
    }
  }

  private void free(DiskSlot slot) {
    slot.state = State.FREE;
    slot.key = null;
    slot.space.free.addFirst(slot);
  }

  /** Adds the slots of a new segment; ends the use that {@link #reserve} began. */
  boolean grown(DiskSpace space, SegmentFile segment) {
    lock.lock();
    try {
      addSegment(space, segment);
      space.growing = false;
      return endUse(space);
    } finally {
      lock.unlock();
    }
  }

  /** Says that a directory did not grow, and when to try again. */
  boolean notGrown(DiskSpace space, long growsAfterMs) {
    lock.lock();
    try {
      space.growing = false;
      space.growsAfterMs = growsAfterMs;
      return endUse(space);
    } finally {
      lock.unlock();
    }
  }

  private List<DiskSlot> addSegment(DiskSpace space, SegmentFile segment) {
    List<DiskSlot> added = new ArrayList<>(segment.slots());
    for (int i = 0; i < segment.slots(); i++) {
      DiskSlot slot = new DiskSlot(space, segment, i);
      added.add(slot);
      space.free.add(slot);
    }
    space.slots += segment.slots();
    space.fileBytes += segment.fileBytes();
    return added;
  }

  /** Adds what was found in a directory at the start, the least recently used first. */
  void adopt(DiskSpace space, FoundGroups found) {
    lock.lock();
    try {
      Map<SegmentFile, List<DiskSlot>> slots = new LinkedHashMap<>();
      for (SegmentFile segment : found.segments()) {
        slots.put(segment, addSegment(space, segment));
      }
      for (FoundGroups.Group group : found.groups()) {
        adopt(slots.getOrDefault(group.segment(), List.of()).get(group.slot()), group);
      }
      found.damaged().forEach((segment, numbers) -> mark(slots, segment, numbers));
      space.free.clear();
      for (List<DiskSlot> all : slots.values()) {
        all.stream().filter(slot -> slot.state == State.FREE).forEach(space.free::add);
      }
      tick = Math.max(tick, found.lastTick());
    } finally {
      lock.unlock();
    }
  }

  private void adopt(DiskSlot slot, FoundGroups.Group group) {
    slot.marked = true;
    DiskSlot twin = resident.get(group.key());
    if (twin != null && twin.sequence >= group.sequence()) {
      return;
    }
    if (twin != null) {
      detach(twin);
    }
    slot.state = State.RESIDENT;
    slot.key = group.key();
    slot.sequence = group.sequence();
    slot.lastUse = group.lastUse();
    slot.space.addNewest(slot);
    resident.put(group.key(), slot);
  }

  private static void mark(
      Map<SegmentFile, List<DiskSlot>> slots, SegmentFile segment, List<Integer> numbers) {
    List<DiskSlot> all = slots.getOrDefault(segment, List.of());
    numbers.forEach(number -> all.get(number).marked = true);
  }

  /** Uses a directory's files beside its slots; false where it is out, or all is closed. */
  boolean acquire(DiskSpace space) {
    lock.lock();
    try {
      boolean usable = !space.out && !closed;
      if (usable) {
        space.users++;
      }
      return usable;
    } finally {
      lock.unlock();
    }
  }

  /** Ends an {@link #acquire}. */
  boolean release(DiskSpace space) {
    lock.lock();
    try {
      return endUse(space);
    } finally {
      lock.unlock();
    }
  }

  private boolean endUse(DiskSpace space) {
    space.users--;
    idle.signalAll();
    return space.users == 0 && space.out && !space.closed;
  }

  /** Takes everything of a directory out of the index. The caller uses it. False if out before. */
  boolean dropOut(DiskSpace space) {
    lock.lock();
    try {
      if (space.out || closed) {
        return false;
      }
      space.out = true;
      while (space.oldest != null) {
        detach(space.oldest);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Says that the files of a directory are closed. */
  void closed(DiskSpace space) {
    lock.lock();
    try {
      space.closed = true;
      idle.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The groups of a directory and when they were used. */
  OrderFile order(DiskSpace space) {
    lock.lock();
    try {
      List<OrderFile.Use> uses = new ArrayList<>(space.resident);
      for (DiskSlot slot = space.oldest; slot != null; slot = slot.newer) {
        uses.add(
            new OrderFile.Use(slot.segment.number(), slot.number, slot.sequence, slot.lastUse));
      }
      return new OrderFile(uses, completeUpTo());
    } finally {
      lock.unlock();
    }
  }

  private long completeUpTo() {
    long upTo = tick;
    for (DiskSlot slot : writing.values()) {
      upTo = Math.min(upTo, slot.sequence - 1);
    }
    return upTo;
  }

  /**
   * Refuses new calls and waits for running ones. Returns the directories that are still to be
   * closed; none where it was closed before.
   */
  List<DiskSpace> close() {
    lock.lock();
    try {
      if (closed) {
        return List.of();
      }
      closed = true;
      while (spaces.stream().anyMatch(s -> s.users > 0 || (s.out && !s.closed))) {
        idle.awaitUninterruptibly();
      }
      return spaces.stream().filter(space -> !space.out).toList();
    } finally {
      lock.unlock();
    }
  }

  /** Gauges of now. */
  DiskGauges gauges() {
    lock.lock();
    try {
      List<DiskSpace> live = spaces.stream().filter(s -> !s.out && !closed).toList();
      return new DiskGauges(
          resident.size(),
          evictions,
          live.stream().mapToLong(space -> space.capBytes).sum(),
          live.size());
    } finally {
      lock.unlock();
    }
  }

  /** Throws {@link IllegalStateException} unless everything adds up and nothing is in use. */
  void checkIntegrity() {
    lock.lock();
    try {
      DiskIntegrity.check(spaces, resident, writing);
    } finally {
      lock.unlock();
    }
  }
}
