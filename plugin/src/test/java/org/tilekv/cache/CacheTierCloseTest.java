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

import static org.assertj.core.api.Assertions.assertThat;
import static org.tilekv.cache.TestCaches.compute;
import static org.tilekv.cache.TestCaches.request;

import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.HostAllocator;
import org.tilekv.tier.DirectAllocator;

/** A tier that is closed while a load reads. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CacheTierCloseTest {

  private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  private static final int[] OTHER = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  private static final String LOADING = "loading";

  private final CountDownLatch reading = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);
  private final AtomicBoolean freed = new AtomicBoolean();

  /** Notes when memory that a load has allocated is given back. */
  private final class Watching implements HostAllocator {
    private final Set<Integer> ofLoads = ConcurrentHashMap.newKeySet();

    @Override
    public ByteBuffer allocate(int bytes) {
      ByteBuffer buffer = DirectAllocator.DIRECT.allocate(bytes);
      if (Thread.currentThread().getName().equals(LOADING)) {
        ofLoads.add(System.identityHashCode(buffer));
      }
      return buffer;
    }

    @Override
    public void free(ByteBuffer buffer) {
      if (ofLoads.contains(System.identityHashCode(buffer))) {
        freed.set(true);
      }
      DirectAllocator.DIRECT.free(buffer);
    }
  }

  @Test
  void anInterruptedCloseLeavesALoadItsMemory() throws InterruptedException {
    ExecutorService reads = Executors.newSingleThreadExecutor(task -> new Thread(task, LOADING));
    ManualExecutor writes = new ManualExecutor();
    try (TileCache cache = TestCaches.cache(3)) {
      MapTier below = new MapTier(cache.groupBytes());
      CacheTierOptions options = new CacheTierOptions(4L * cache.groupBytes(), 1, new Watching());
      CacheTier tier = new CacheTier(cache, below, options, writes, reads, System::nanoTime);
      compute(cache, PROMPT);
      compute(cache, OTHER);
      writes.runAll();
      below.onGet =
          () -> {
            reading.countDown();
            HeldMemory.await(goOn);
          };
      CompletableFuture<Void> loaded = tier.load(request(PROMPT));
      HeldMemory.await(reading);
      Thread closing =
          new Thread(
              () -> {
                Thread.currentThread().interrupt();
                tier.close();
              });
      closing.start();
      while (closing.getState() != Thread.State.TIMED_WAITING && closing.isAlive()) {
        Thread.onSpinWait();
      }
      assertThat(freed).as("under the load").isFalse();
      goOn.countDown();
      closing.join();
      loaded.join();
      assertThat(freed).isTrue();
    }
  }
}
