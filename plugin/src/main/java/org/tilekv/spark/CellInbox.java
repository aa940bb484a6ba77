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
package org.tilekv.spark;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.tilekv.engine.CellException;

/**
 * What one member of a cell has sent to another, in order. Memory is used again: a message is valid
 * until the next one is taken. One thread puts, one takes; the lock guards the queues, not the
 * copies.
 */
final class CellInbox {

  private static final int LEAST_BYTES = 1 << 12;

  private final Deque<ByteBuffer> waiting = new ArrayDeque<>();
  private final Deque<ByteBuffer> spare = new ArrayDeque<>();
  private @Nullable ByteBuffer taken;
  private @Nullable String gone;

  /** Adds a copy of a message. */
  void put(ByteBuffer message) {
    ByteBuffer copy = memory(message.remaining());
    copy.put(message).flip();
    synchronized (this) {
      waiting.addLast(copy);
      notifyAll();
    }
  }

  private ByteBuffer memory(int bytes) {
    ByteBuffer memory;
    synchronized (this) {
      memory = spare.pollLast();
    }
    if (memory == null || memory.capacity() < bytes) {
      int capacity = Math.max(LEAST_BYTES, Integer.highestOneBit(Math.max(1, bytes - 1)) * 2);
      memory = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN);
    }
    return memory.clear();
  }

  /** Nothing comes any more; the first reason counts. */
  synchronized void end(String why) {
    if (gone == null) {
      gone = why;
    }
    notifyAll();
  }

  /**
   * The next message.
   *
   * @return null where none came within the time
   * @throws CellException where none is left and none can come
   */
  synchronized @Nullable ByteBuffer poll(long waitMs) {
    if (taken != null) {
      spare.addLast(taken);
      taken = null;
    }
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(waitMs);
    while (waiting.isEmpty()) {
      if (gone != null) {
        throw new CellException(gone);
      }
      long leftNs = end - System.nanoTime();
      if (leftNs <= 0) {
        return null;
      }
      await(leftNs);
    }
    taken = waiting.removeFirst();
    return taken;
  }

  private void await(long ns) {
    try {
      TimeUnit.NANOSECONDS.timedWait(this, ns);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CellException("the wait for another member was interrupted", e);
    }
  }
}
