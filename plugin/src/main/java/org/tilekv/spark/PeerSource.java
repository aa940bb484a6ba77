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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.PrefixSource;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileLoad;
import org.tilekv.coordinator.Peer;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;

/**
 * Other executors as a source of a model's tiles. Who holds what is known only after the driver was
 * asked: of a prompt that nobody was asked for yet the least that is worth a fetch counts as
 * loadable, and its load ends at once where nobody has it.
 */
final class PeerSource implements PrefixSource {

  private static final Logger LOG = LoggerFactory.getLogger(PeerSource.class);

  private final TileCache cache;
  private final String namespace;
  private final int tileTokens;
  private final int minTokens;
  private final TileLocator locator;
  private final PeerClient client;
  private final FetchCost cost;
  private final PeerCounters counters;
  private final Executor threads;
  private final AskedPrompts asked;
  private final Runnable whenClosed;
  // First tile that is missing -> the load that brings it.
  private final Map<ChainHash, CompletableFuture<Void>> loading = new ConcurrentHashMap<>();

  /**
   * @param threads may refuse work
   */
  PeerSource(
      TileCache cache,
      int minTokens,
      TileLocator locator,
      PeerClient client,
      FetchCost cost,
      PeerCounters counters,
      Executor threads,
      AskedPrompts asked,
      Runnable whenClosed) {
    this.whenClosed = whenClosed;
    this.cache = cache;
    this.namespace = cache.namespace().hex();
    this.tileTokens = cache.geometry().tileTokens();
    this.minTokens = minTokens;
    this.locator = locator;
    this.client = client;
    this.cost = cost;
    this.counters = counters;
    this.threads = threads;
    this.asked = asked;
  }

  @Override
  public int loadableTokens(SequenceRequest request, int residentTokens) {
    int whole = PromptTiles.count(request, tileTokens) * tileTokens;
    if (whole - residentTokens < minTokens || !cache.copiesToHost() || locator.others() == 0) {
      return residentTokens;
    }
    CompletableFuture<Void> known = asked.find(request);
    boolean open = known == null || !known.isDone();
    return open ? Math.min(whole, residentTokens + minTokens) : residentTokens;
  }

  @Override
  public CompletableFuture<Void> load(SequenceRequest request) {
    CompletableFuture<Void> known = asked.find(request);
    if (known != null) {
      return known;
    }
    CompletableFuture<Void> done = new CompletableFuture<>();
    asked.put(request, done);
    try {
      threads.execute(() -> locate(request, done));
    } catch (RuntimeException e) {
      done.complete(null);
    }
    return done;
  }

  @Override
  public void computed(int tokens, long nanos) {
    cost.computed(tokens, nanos);
  }

  /** Loads that are under way fail when the cache closes, and complete. */
  @Override
  public void close() {
    whenClosed.run();
  }

  private void locate(SequenceRequest request, CompletableFuture<Void> done) {
    try {
      int first = cache.probe(request).residentTokens() / tileTokens;
      List<NamedTile> tiles = PromptTiles.of(cache.namespace(), request, tileTokens);
      if (tiles.size() <= first) {
        done.complete(null);
        return;
      }
      List<NamedTile> missing = tiles.subList(first, tiles.size());
      locator.locate(
          missing.stream().map(NamedTile::name).toList(),
          holders -> located(request, tiles, first, holders, done));
    } catch (RuntimeException e) {
      LOG.debug("a prompt's tiles cannot be looked for", e);
      done.complete(null);
    }
  }

  private void located(
      SequenceRequest request,
      List<NamedTile> tiles,
      int first,
      List<@Nullable Peer> holders,
      CompletableFuture<Void> done) {
    int held = 0;
    while (held < holders.size() && holders.get(held) != null) {
      held++;
    }
    if (held * tileTokens < minTokens || !isWorth(held)) {
      done.complete(null);
      return;
    }
    CompletableFuture<Void> before = loading.putIfAbsent(tiles.get(first).name(), done);
    List<Peer> peers = new ArrayList<>();
    holders.subList(0, held).forEach(holder -> peers.add(Objects.requireNonNull(holder)));
    Runnable load = () -> load(request, tiles, first, peers, done);
    if (before == null) {
      run(load, tiles.get(first).name(), done);
    } else {
      var unused =
          before.whenComplete((ignored, failure) -> run(load, tiles.get(first).name(), done));
    }
  }

  private boolean isWorth(int tiles) {
    boolean worth = cost.isWorth((long) tiles * tileTokens, (long) tiles * cache.groupBytes());
    if (!worth) {
      counters.notWorthIt.increment();
    }
    return worth;
  }

  private void run(Runnable load, ChainHash first, CompletableFuture<Void> done) {
    Runnable all =
        () -> {
          try {
            load.run();
          } finally {
            loading.remove(first, done);
            done.complete(null);
          }
        };
    try {
      threads.execute(all);
    } catch (RuntimeException e) {
      loading.remove(first, done);
      done.complete(null);
    }
  }

  /** Fetches tiles behind what is resident by now, as far as their holders are known. */
  private void load(
      SequenceRequest request,
      List<NamedTile> tiles,
      int first,
      List<Peer> peers,
      CompletableFuture<Void> done) {
    try (TileLoad load = cache.load(request)) {
      int end = first + peers.size();
      boolean goesOn = load != null && !done.isDone();
      while (load != null && goesOn && load.tiles() < end) {
        goesOn = loadNext(load, tiles, peers.subList(load.tiles() - first, peers.size()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      LOG.debug("tiles of another executor could not be loaded", e);
    }
  }

  /** Fetches the next tiles from one executor in one message; false where that is the end. */
  private boolean loadNext(TileLoad load, List<NamedTile> tiles, List<Peer> holders)
      throws InterruptedException {
    int most = Math.max(1, PeerWire.TILE_BYTES_PER_MESSAGE / cache.groupBytes());
    Peer peer = holders.get(0);
    int count = 1;
    while (count < most && count < holders.size() && holders.get(count).equals(peer)) {
      count++;
    }
    int from = load.tiles();
    List<NamedTile> wanted = tiles.subList(from, from + count);
    List<ByteBuffer> came = client.fetch(peer, namespace, wanted, cache.groupBytes());
    for (ByteBuffer bytes : came) {
      if (!load.add(bytes)) {
        counters.failed(PeerFailure.NO_ROOM);
        return false;
      }
    }
    return came.size() == count;
  }
}
