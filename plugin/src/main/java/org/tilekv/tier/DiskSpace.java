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

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Bookkeeping of one directory: its free slots, and its groups in order of use. Confined to the
 * lock of {@link DiskIndex}.
 */
final class DiskSpace {
  final int directory;
  final long capBytes;

  final Deque<DiskSlot> free = new ArrayDeque<>();
  @Nullable DiskSlot oldest;
  @Nullable DiskSlot newest;
  int resident;
  int writing;
  int slots;

  /** Bytes of its segments. */
  long fileBytes;

  /** Calls that may touch its files. */
  int users;

  boolean growing;

  /** Time before which it does not grow, ms. */
  long growsAfterMs = Long.MIN_VALUE;

  /** No longer used: nothing of it is in the index. */
  boolean out;

  /** Its files are closed. */
  boolean closed;

  DiskSpace(int directory, long capBytes) {
    this.directory = directory;
    this.capBytes = capBytes;
  }

  boolean mayGrow(long smallestBytes, long nowMs) {
    return !growing && nowMs >= growsAfterMs && smallestBytes <= capBytes - fileBytes;
  }

  /** Share of its cap that is in use, to spread groups over directories. */
  double load() {
    return (double) (resident + writing) / Math.max(1, capBytes);
  }

  void addNewest(DiskSlot slot) {
    slot.older = newest;
    slot.newer = null;
    if (newest == null) {
      oldest = slot;
    } else {
      newest.newer = slot;
    }
    newest = slot;
    resident++;
  }

  void unlink(DiskSlot slot) {
    DiskSlot before = slot.older;
    DiskSlot after = slot.newer;
    if (before == null) {
      oldest = after;
    } else {
      before.newer = after;
    }
    if (after == null) {
      newest = before;
    } else {
      after.older = before;
    }
    slot.older = null;
    slot.newer = null;
    resident--;
  }

  /** The least recently used group that nobody reads. */
  @Nullable DiskSlot oldestUnpinned() {
    DiskSlot slot = oldest;
    while (slot != null && slot.pins > 0) {
      slot = slot.newer;
    }
    return slot;
  }
}
