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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.KvDtype;
import org.tilekv.TileKvException;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.cuda.CudaFailures;
import org.tilekv.cuda.FatalCudaException;
import org.tilekv.engine.DeviceChoice;
import org.tilekv.engine.EngineConfig;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.RuntimeOptions;

@Timeout(30)
class ExecutorRuntimesTest {

  private static final Runnable NOT_KILLED = () -> {};

  private final AtomicLong now = new AtomicLong();
  private final List<FakeRuntime> opened = Collections.synchronizedList(new ArrayList<>());
  private final List<Throwable> fatalFailures = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch fatalTold = new CountDownLatch(1);
  private final ExecutorService threads = Executors.newCachedThreadPool();

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
    opened.forEach(FakeRuntime::close);
  }

  private ModelRuntime open(Path model, RuntimeOptions options) {
    FakeRuntime runtime = new FakeRuntime();
    opened.add(runtime);
    return runtime;
  }

  private static RuntimeOptions pool(long bytes) {
    return new RuntimeOptions(
        16,
        KvDtype.FLOAT32,
        bytes,
        1,
        0,
        "auto",
        "auto",
        1000,
        null,
        new EngineConfig(1, 1, 1, 0, true, false));
  }

  private void fatal(Throwable failure, ExecutorStats stats) {
    fatalFailures.add(failure);
    fatalTold.countDown();
  }

  private ExecutorRuntimes runtimes(long budget) {
    return new ExecutorRuntimes(this::open, budget, now::get, this::fatal);
  }

  @Test
  void concurrentFirstUseOpensOnce() throws Exception {
    CountDownLatch asked = new CountDownLatch(7);
    ExecutorRuntimes runtimes =
        new ExecutorRuntimes(
            (model, options) -> {
              awaitQuietly(asked);
              return open(model, options);
            },
            100,
            now::get,
            this::fatal);
    List<Callable<ModelRuntime>> tasks = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      long owner = i;
      tasks.add(() -> runtimes.acquire("/m", pool(100), owner, asked::countDown).runtime());
    }
    ModelRuntime first = null;
    for (Future<ModelRuntime> result : threads.invokeAll(tasks)) {
      first = first == null ? result.get() : first;
      assertThat(result.get()).isSameAs(first);
    }
    assertThat(opened).hasSize(1);
  }

  @Test
  void anInterruptedTaskDoesNotSpoilTheOpening() throws Exception {
    CountDownLatch opening = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    ExecutorRuntimes runtimes =
        new ExecutorRuntimes(
            (model, options) -> {
              opening.countDown();
              awaitQuietly(go);
              return open(model, options);
            },
            100,
            now::get,
            this::fatal);
    Future<RuntimeLease> killed =
        threads.submit(() -> runtimes.acquire("/m", pool(100), 1, NOT_KILLED));
    assertThat(opening.await(10, TimeUnit.SECONDS)).isTrue();
    killed.cancel(true);
    go.countDown();
    assertThat(runtimes.acquire("/m", pool(100), 2, NOT_KILLED).runtime()).isSameAs(opened.get(0));
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void staysOpenBetweenTasksAndKeepsCounting() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    runtimes.acquire("/m", pool(100), 1, NOT_KILLED).close();
    runtimes.acquire("/m", pool(100), 2, NOT_KILLED).close();
    assertThat(opened).hasSize(1);
    assertThat(opened.get(0).closed).isFalse();
    runtimes.close();
    assertThat(opened.get(0).closed).isTrue();
  }

  @Test
  void anIdleModelMakesRoomForAnother() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    runtimes.acquire("/a", pool(100), 1, NOT_KILLED).close();
    runtimes.acquire("/b", pool(100), 2, NOT_KILLED);
    assertThat(opened).hasSize(2);
    assertThat(opened.get(0).closed).isTrue();
    assertThat(opened.get(1).closed).isFalse();
  }

  @Test
  void twoModelsThatFitStayOpen() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    runtimes.acquire("/a", pool(50), 1, NOT_KILLED);
    runtimes.acquire("/b", pool(50), 1, NOT_KILLED);
    assertThat(opened).hasSize(2).noneMatch(r -> r.closed);
  }

  @Test
  void waitsForABusyModelOfAnotherTask() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    RuntimeLease busy = runtimes.acquire("/a", pool(100), 1, NOT_KILLED);
    CountDownLatch waiting = new CountDownLatch(1);
    Future<RuntimeLease> other =
        threads.submit(() -> runtimes.acquire("/b", pool(100), 2, waiting::countDown));
    assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(other).isNotDone();
    busy.close();
    assertThat(other.get(10, TimeUnit.SECONDS).runtime()).isSameAs(opened.get(1));
    assertThat(opened.get(0).closed).isTrue();
  }

  @Test
  void oneTaskCannotHoldTwoModelsThatDoNotFit() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    runtimes.acquire("/a", pool(100), 1, NOT_KILLED);
    assertThatThrownBy(() -> runtimes.acquire("/b", pool(100), 1, NOT_KILLED))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("/a")
        .hasMessageContaining("/b")
        .hasMessageContaining("100 bytes");
  }

  @Test
  void aBrokenModelIsOpenedAnewOnceNobodyUsesIt() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    RuntimeLease first = runtimes.acquire("/m", pool(100), 1, NOT_KILLED);
    RuntimeLease second = runtimes.acquire("/m", pool(100), 2, NOT_KILLED);
    first.rowFailed(new TileKvException("the engine stopped", new AssertionError()));
    first.close();
    CountDownLatch waiting = new CountDownLatch(1);
    Future<RuntimeLease> third =
        threads.submit(() -> runtimes.acquire("/m", pool(100), 3, waiting::countDown));
    assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();
    second.close();
    assertThat(third.get(10, TimeUnit.SECONDS).runtime()).isSameAs(opened.get(1));
    assertThat(opened.get(0).closed).isTrue();
  }

  @Test
  void aTaskDoesNotWaitForItselfToLetGoOfABrokenModel() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    RuntimeLease first = runtimes.acquire("/m", pool(100), 1, NOT_KILLED);
    first.rowFailed(new TileKvException("the engine stopped", new AssertionError()));
    AtomicInteger waits = new AtomicInteger();
    Runnable notForEver = () -> assertThat(waits.incrementAndGet()).isLessThan(3);
    assertThatThrownBy(() -> runtimes.acquire("/m", pool(100), 1, notForEver))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("model /m broke while this task used it");
    first.close();
    assertThat(runtimes.acquire("/m", pool(100), 1, NOT_KILLED).runtime()).isSameAs(opened.get(1));
  }

  @Test
  void countersOutliveTheirModel() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    RuntimeLease lease = runtimes.acquire("/a", pool(100), 1, NOT_KILLED);
    lease
        .runtime()
        .engine()
        .submit(GenerationRequest.greedy(1, 1, new int[] {'x'}, 1, Set.of()))
        .get(10, TimeUnit.SECONDS);
    lease.close();
    assertThat(runtimes.stats().rows()).isEqualTo(1);
    assertThat(runtimes.stats().pages()).isEqualTo(FakeCache.PAGES);
    runtimes.acquire("/b", pool(100), 2, NOT_KILLED);
    assertThat(runtimes.stats().rows()).isEqualTo(1);
    assertThat(runtimes.stats().pages()).isEqualTo(FakeCache.PAGES);
    runtimes.close();
    assertThat(runtimes.stats().rows()).isEqualTo(1);
    assertThat(runtimes.stats().pages()).isZero();
  }

  @Test
  void aKilledTaskStopsWaiting() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    runtimes.acquire("/a", pool(100), 1, NOT_KILLED);
    assertThatThrownBy(
            () ->
                runtimes.acquire(
                    "/b",
                    pool(100),
                    2,
                    () -> {
                      throw new IllegalStateException("killed");
                    }))
        .hasMessage("killed");
  }

  @Test
  void anOpenFailureIsRememberedForAWhile() throws Exception {
    AtomicInteger tries = new AtomicInteger();
    ExecutorRuntimes runtimes =
        new ExecutorRuntimes(
            (model, options) -> {
              if (tries.incrementAndGet() == 1) {
                throw new TileKvException("model /m is broken");
              }
              return open(model, options);
            },
            100,
            now::get,
            this::fatal);
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> runtimes.acquire("/m", pool(100), 1, NOT_KILLED))
          .isInstanceOf(TileKvException.class)
          .hasMessage("model /m is broken");
    }
    assertThat(tries).hasValue(1);
    now.addAndGet(ExecutorRuntimes.FAILURE_MEMORY_NS);
    runtimes.acquire("/m", pool(100), 1, NOT_KILLED);
    assertThat(tries).hasValue(2);
  }

  @Test
  void aFatalFailureOfARowIsToldAndNothingIsTriedAgain() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    runtimes.acquire("/idle", pool(50), 9, NOT_KILLED).close();
    RuntimeLease lease = runtimes.acquire("/m", pool(50), 1, NOT_KILLED);
    lease.rowFailed(new TileKvException("one row failed", new IllegalStateException("its own")));
    assertThat(fatalFailures).isEmpty();
    FatalCudaException cause = CudaFailures.illegalAddress();
    lease.rowFailed(
        new TileKvException("the engine stopped", new AssertionError("the engine failed", cause)));
    assertThat(fatalFailures).containsExactly(cause);
    for (String model : List.of("/m", "/other")) {
      assertThatThrownBy(() -> runtimes.acquire(model, pool(50), 2, NOT_KILLED))
          .isInstanceOf(TileKvException.class)
          .hasMessageContaining("must be replaced")
          .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS");
    }
    assertThat(opened).hasSize(2);
    runtimes.close();
    assertThat(opened).as("a broken context is left alone").noneMatch(runtime -> runtime.closed);
  }

  @Test
  void aFatalFailureOfAnOpeningIsTold() throws Exception {
    FatalCudaException cause = CudaFailures.illegalAddress();
    ExecutorRuntimes runtimes =
        new ExecutorRuntimes(
            (model, options) -> {
              throw cause;
            },
            100,
            now::get,
            this::fatal);
    assertThatThrownBy(() -> runtimes.acquire("/m", pool(100), 1, NOT_KILLED))
        .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS");
    assertThat(fatalTold.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(fatalFailures).containsExactly(cause);
  }

  @Test
  void onAGpuAPoolWithoutASizeTakesAllOfTheBudget() throws Exception {
    ExecutorRuntimes runtimes = runtimes(100);
    RuntimeOptions share = pool(7).on(DeviceChoice.gpu(0, 0, 0.9));
    RuntimeOptions sized = pool(7).on(DeviceChoice.gpu(0, 50, 0.9));
    runtimes.acquire("/a", share, 1, NOT_KILLED).close();
    runtimes.acquire("/b", sized, 2, NOT_KILLED);
    assertThat(opened.get(0).closed).isTrue();
    runtimes.acquire("/c", sized, 3, NOT_KILLED);
    assertThat(opened.get(1).closed).isFalse();
    assertThat(opened.get(2).closed).isFalse();
  }

  @Test
  void aClosedRegistryRefuses() {
    ExecutorRuntimes runtimes = runtimes(100);
    runtimes.close();
    assertThatThrownBy(() -> runtimes.acquire("/m", pool(100), 1, NOT_KILLED))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("shut down");
  }
}
