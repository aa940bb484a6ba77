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
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fork-join barrier for very short regions: a step has several hundred of them, each a few
 * microseconds long, so waiting threads spin for a bounded time before they park.
 */
final class SpinningComputePool implements ComputePool {

  private static final int SPINS = 20_000;

  private final Worker[] helpers;
  private final AtomicInteger nextItem = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile int generation;
  private volatile boolean closed;
  private volatile @Nullable Thread caller;
  // Published to helpers by the write of generation.
  private int items;
  private Body body = (item, worker) -> {};

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
  public void forEach(int itemCount, Body itemBody) {
    if (closed) {
      throw new IllegalStateException("the compute pool is closed");
    }
    if (itemCount <= 1) {
      if (itemCount == 1) {
        itemBody.run(0, 0);
      }
      return;
    }
    items = itemCount;
    body = itemBody;
    nextItem.set(0);
    running.set(helpers.length);
    caller = Thread.currentThread();
    generation++;
    for (Worker helper : helpers) {
      helper.wake();
    }
    runItems(0);
    awaitHelpers();
    rethrow();
  }

  private void runItems(int worker) {
    try {
      for (int i = nextItem.getAndIncrement(); i < items; i = nextItem.getAndIncrement()) {
        body.run(i, worker);
      }
    } catch (Throwable t) {
      failure.compareAndSet(null, t);
      nextItem.set(items);
    }
  }

  private void awaitHelpers() {
    int spins = 0;
    while (running.get() != 0) {
      if (++spins < SPINS) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(this, 100_000);
      }
    }
    body = (item, worker) -> {};
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
      int seen = 0;
      while (true) {
        seen = awaitGeneration(seen);
        if (closed) {
          return;
        }
        runItems(index);
        if (running.decrementAndGet() == 0) {
          LockSupport.unpark(caller);
        }
      }
    }

    private int awaitGeneration(int seen) {
      int spins = 0;
      while (generation == seen && !closed) {
        if (++spins < SPINS) {
          Thread.onSpinWait();
          continue;
        }
        parked = true;
        if (generation == seen && !closed) {
          LockSupport.park(SpinningComputePool.this);
        }
        parked = false;
      }
      return generation;
    }
  }
}
