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

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.cache.PrefixSource;
import org.tilekv.cache.TileCache;
import org.tilekv.coordinator.ExecutorReporter;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.FindSuccessors;
import org.tilekv.coordinator.Messages;
import org.tilekv.coordinator.Successors;
import org.tilekv.engine.PrefixSources;
import org.tilekv.prefix.Namespace;

/**
 * Tiles between this executor and the others: fetches and serves them, tells the driver which ones
 * are here, and hands the hottest over when this executor leaves. Thread-safe.
 */
final class PeerTransfers implements PrefixSources, DriverLink.Listener, AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(PeerTransfers.class);
  private static final int FETCHERS = 4;
  private static final int SERVERS = 2;
  private static final int MOST_WAITING = 1024;

  /** Longest wait for the driver to say whether this executor leaves, when it stops. */
  private static final long ASK_MS = 2_000;

  private final PeerOptions options;
  private final ExecutorTransport transport;
  private final TileLocator.DriverAsk driver;
  private final LongSupplier nanoClock = System::nanoTime;
  private final PeerCounters counters = new PeerCounters();
  private final TileNews news = new TileNews();
  private final PeerCaches caches = new PeerCaches(news);
  private final ExecutorService fetchers = pool("tilekv-fetch", FETCHERS);
  private final ExecutorService servers = pool("tilekv-serve", SERVERS);
  private final ExecutorService locatorThread = pool("tilekv-locate", 1);
  private final PeerLink link;
  private final PeerGate gate;
  private final TileLocator locator;
  private final AtomicBoolean handoverBegan = new AtomicBoolean();
  private final CompletableFuture<Boolean> leaves = new CompletableFuture<>();
  private final CompletableFuture<Void> handedOver = new CompletableFuture<>();

  /**
   * @param driver asks the driver
   * @param transport stays open when this is closed
   */
  PeerTransfers(PeerOptions options, ExecutorTransport transport, TileLocator.DriverAsk driver) {
    this.options = options;
    this.transport = transport;
    this.driver = driver;
    link = new TransportPeerLink(transport, options.timeoutMs());
    gate = new PeerGate(options.maxInFlightBytes(), nanoClock);
    locator = new TileLocator(options.executorId(), driver, locatorThread, nanoClock);
    HandedTiles handed = new HandedTiles(counters, nanoClock);
    transport.register(
        PeerServer.CHANNEL,
        new PeerServer(caches::find, handed, servers, options.maxInFlightBytes(), counters));
  }

  private static ExecutorService pool(String name, int threads) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MOST_WAITING),
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  /** Port where others reach this executor. */
  int port() {
    return transport.port();
  }

  /** What came from others. */
  ExecutorStats stats() {
    return ExecutorStats.ofPeers(
        counters.fetchedTiles.sum(),
        counters.fetchedBytes.sum(),
        counters.receivedTiles.sum(),
        counters.allFailures());
  }

  /** Tiles on a device are not exchanged: whether that beats recomputing them is not measured. */
  @Override
  public List<PrefixSource> open(TileCache cache, Namespace namespace) {
    if (cache.onDevice()) {
      return List.of();
    }
    caches.add(cache);
    return List.of(source(cache));
  }

  private PrefixSource source(TileCache cache) {
    FetchCost cost = new FetchCost();
    return new PeerSource(
        cache,
        options.minTokens(),
        locator,
        new PeerClient(link, gate, counters, cost, nanoClock),
        cost,
        counters,
        fetchers,
        new AskedPrompts(nanoClock),
        () -> caches.remove(cache));
  }

  @Override
  public void beforeBeat(ExecutorReporter reporter) {
    news.tell(reporter);
  }

  @Override
  public void afterBeat(ExecutorReporter reporter) {
    if (reporter.leaving()) {
      beginHandover();
    }
  }

  private void beginHandover() {
    if (options.handoverMs() > 0 && handoverBegan.compareAndSet(false, true)) {
      DaemonThread.start("tilekv-handover", this::handOver);
    }
  }

  private void handOver() {
    try {
      byte[] reply = driver.ask(Messages.encode(new FindSuccessors(options.executorId())));
      boolean leaving =
          Messages.decode(reply) instanceof Successors successors
              && successors.leaving()
              && !successors.peers().isEmpty();
      leaves.complete(leaving);
      if (leaving) {
        handOver((Successors) Messages.decode(reply));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      LOG.debug("nothing is handed over", e);
    } finally {
      leaves.complete(false);
      handedOver.complete(null);
    }
  }

  private void handOver(Successors successors) throws InterruptedException {
    long start = nanoClock.getAsLong();
    long deadline = start + TimeUnit.MILLISECONDS.toNanos(options.handoverMs());
    PeerHandover handover =
        new PeerHandover(
            link, successors.peers(), counters, nanoClock, deadline, options.handoverBytes());
    for (TileCache cache : caches.all()) {
      handover.run(cache);
    }
    LOG.info(
        "handed {} tiles with {} bytes to {} executors in {} ms",
        counters.handedTiles,
        counters.handedBytes,
        successors.peers().size(),
        TimeUnit.NANOSECONDS.toMillis(nanoClock.getAsLong() - start));
  }

  /** Hands tiles over where this executor leaves; waits for it within a bound. */
  void finishHandover() {
    if (options.handoverMs() == 0) {
      return;
    }
    beginHandover();
    try {
      if (leaves.get(ASK_MS, TimeUnit.MILLISECONDS)) {
        handedOver.get(options.handoverMs(), TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.info("stopping without having handed all tiles over");
    }
  }

  @Override
  public void close() {
    LOG.info("executor {} {}", options.executorId(), counters);
    locatorThread.shutdownNow();
    fetchers.shutdownNow();
    servers.shutdownNow();
  }
}
