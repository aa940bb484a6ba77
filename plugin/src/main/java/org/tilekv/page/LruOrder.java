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
package org.tilekv.page;

/**
 * Frames in the order of their last use: a doubly linked list in two int arrays, closed into a ring
 * by a sentinel. O(1), no garbage. Confined to the holder's lock or thread.
 */
public final class LruOrder {
  private final int sentinel;
  private final int[] newer;
  private final int[] older;

  /** An order of frames 0 to {@code frames - 1}, none of them in it yet. */
  public LruOrder(int frames) {
    sentinel = frames;
    newer = new int[frames + 1];
    older = new int[frames + 1];
    newer[sentinel] = sentinel;
    older[sentinel] = sentinel;
  }

  /** Least recently used frame; {@link #isEnd} when there is none. */
  public int oldest() {
    return newer[sentinel];
  }

  /** The frame used next after {@code frame}; {@link #isEnd} behind the newest. */
  public int newerThan(int frame) {
    return newer[frame];
  }

  /** Whether there is no such frame. */
  public boolean isEnd(int frame) {
    return frame == sentinel;
  }

  /** Puts a frame, which is not in the order, behind all others. */
  public void addNewest(int frame) {
    int last = older[sentinel];
    newer[last] = frame;
    older[frame] = last;
    newer[frame] = sentinel;
    older[sentinel] = frame;
  }

  /** Takes a frame out of the order. */
  public void remove(int frame) {
    newer[older[frame]] = newer[frame];
    older[newer[frame]] = older[frame];
  }

  /** Moves a frame behind all others. */
  public void touch(int frame) {
    if (older[sentinel] != frame) {
      remove(frame);
      addNewest(frame);
    }
  }

  /** Whether the backward links mirror the forward ones. */
  public boolean isConsistent() {
    int frame = sentinel;
    do {
      if (older[newer[frame]] != frame) {
        return false;
      }
      frame = newer[frame];
    } while (frame != sentinel);
    return true;
  }
}
