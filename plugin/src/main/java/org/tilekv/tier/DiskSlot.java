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

import org.jspecify.annotations.Nullable;

/**
 * One slot of a segment, made once per slot. All state but the final fields is guarded by the lock
 * of {@link DiskIndex}.
 */
final class DiskSlot {
  enum State {
    /** Nothing is in it. */
    FREE,
    /** A thread writes to it; no one else sees it. */
    WRITING,
    /** In the index. */
    RESIDENT,
    /** Dropped while readers copy from it; free when the last one is done. */
    DETACHED
  }

  final DiskSpace space;
  final SegmentFile segment;
  final int number;

  State state = State.FREE;
  @Nullable GroupKey key;
  int pins;

  /** Tick at which the group was written. */
  long sequence;

  /** Tick at which it was used. */
  long lastUse;

  /** Whether the file may still say that a group is in the slot. */
  boolean marked;

  @Nullable DiskSlot older;
  @Nullable DiskSlot newer;

  DiskSlot(DiskSpace space, SegmentFile segment, int number) {
    this.space = space;
    this.segment = segment;
    this.number = number;
  }
}
