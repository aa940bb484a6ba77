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
package org.tilekv;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Fork-join for very short regions: a step has several hundred of them, each tens of microseconds
 * long, so waiting threads spin for a bounded time before they park.
 *
 * <p>The caller waits for items that somebody has claimed, never for a thread to show up: where
 * cores are scarce it simply does the work itself. A claim is one compare-and-set of a ticket that
 * holds the region's number, its item count and the next item, so a late thread cannot take an item
 * of a region it did not see begin.
 */
final class SpinningComputePool implements ComputePool {

  private static final int COUNT_BITS = 20;
  private static final int MAX_ITEMS = (1 << COUNT_BITS) - 1;
  private static final int SPINS = 4_000;

  private final Worker[] helpers;
  // region << 40 | items << 20 | next item
  private final AtomicLong ticket = new AtomicLong();
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean closed;
  // Written before the ticket of the region; read after a claim, which keeps the region open.
  private Body body = (item, worker) -> {};
  private long region;

  SpinningComputePool(int threads) {
    if (threads < 2) {
      throw new IllegalArgumentException("threads is " + threads + "; it must be at least 2");
    }
    helpers = new Worker[threads - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Worker(i + 1);
      helpers[i].start();
    }
  }

  @Override
  public int workers() {
    return helpers.length + 1;
  }

  @Override
  public void forEach(int items, Body itemBody) {
    if (closed) {
      throw new IllegalStateException("the compute pool is closed");
    }
    if (items > MAX_ITEMS) {
      throw new IllegalArgumentException("items is " + items + "; allowed are up to " + MAX_ITEMS);
    }
    if (items <= 1) {
      if (items == 1) {
        itemBody.run(0, 0);
      }
      return;
    }
    begin(items, itemBody);
    runItems(0);
    while (done.get() != items) {
      Thread.onSpinWait();
    }
    rethrow();
  }

  private void begin(int items, Body itemBody) {
    body = itemBody;
    done.set(0);
    region++;
    ticket.set(region << 2 * COUNT_BITS | (long) items << COUNT_BITS);
    for (Worker helper : helpers) {
      helper.wake();
    }
  }

  private void runItems(int worker) {
    for (int item = claim(); item >= 0; item = claim()) {
      try {
        if (failure.get() == null) {
          body.run(item, worker);
        }
      } catch (Throwable t) {
        failure.compareAndSet(null, t);
      }
      done.incrementAndGet();
    }
  }

  /** The next item of the open region, or -1. */
  private int claim() {
    while (true) {
      long now = ticket.get();
      int next = (int) now & MAX_ITEMS;
      if (next >= items(now)) {
        return -1;
      }
      if (ticket.compareAndSet(now, now + 1)) {
        return next;
      }
    }
  }

  private static int items(long ticket) {
    return (int) (ticket >>> COUNT_BITS) & MAX_ITEMS;
  }

  private boolean hasWork() {
    long now = ticket.get();
    return ((int) now & MAX_ITEMS) < items(now);
  }

  private void rethrow() {
    Throwable thrown = failure.getAndSet(null);
    if (thrown instanceof Error error) {
      throw error;
    }
    if (thrown instanceof RuntimeException runtime) {
      throw runtime;
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Worker helper : helpers) {
      LockSupport.unpark(helper);
    }
    for (Worker helper : helpers) {
      try {
        helper.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private final class Worker extends Thread {
    private final int index;
    private volatile boolean parked;

    Worker(int index) {
      super("tilekv-compute-" + index);
      this.index = index;
      setDaemon(true);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      while (!closed) {
        awaitWork();
        runItems(index);
      }
    }

    private void awaitWork() {
      for (int spins = 0; spins < SPINS; spins++) {
        if (hasWork() || closed) {
          return;
        }
        Thread.onSpinWait();
      }
      parked = true;
      if (!hasWork() && !closed) {
        LockSupport.park(SpinningComputePool.this);
      }
      parked = false;
    }
  }
}
