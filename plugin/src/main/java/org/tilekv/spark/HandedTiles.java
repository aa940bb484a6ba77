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
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileLoad;
import org.tilekv.spark.PeerWire.Push;
import org.tilekv.spark.PeerWire.SentTile;
import org.tilekv.spark.PeerWire.Status;

/**
 * Takes tiles of executors that leave: at most a share of the pool within a time, so that they do
 * not push out all that this one needs itself. Thread-safe.
 */
final class HandedTiles {

  /** One part in so many of a pool. */
  static final int SHARE = 4;

  static final long WINDOW_NS = TimeUnit.SECONDS.toNanos(60);

  private final PeerCounters counters;
  private final LongSupplier nanoClock;
  private boolean began;
  private long windowStartNs;
  private long takenPages;

  HandedTiles(PeerCounters counters, LongSupplier nanoClock) {
    this.counters = counters;
    this.nanoClock = nanoClock;
  }

  /** Answers with the number of leading tiles that are here now. */
  ByteBuffer take(TileCache cache, Push push) {
    int from = push.firstTile();
    int to = from + push.tiles().size();
    if (from < 0 || (long) to * cache.geometry().tileTokens() != push.tokens().length) {
      return PeerWire.reply(Status.MALFORMED, 0);
    }
    try (TileLoad load = cache.load(push.root(), push.tokens())) {
      if (load == null || load.tiles() < from) {
        return PeerWire.reply(load == null ? Status.NO_ROOM : Status.NO_PARENT, 0);
      }
      int mostPages = cache.stats().pages() / SHARE;
      @Nullable PeerFailure failure = null;
      while (failure == null && load.tiles() < to) {
        failure = add(cache, load, mostPages, push.tiles().get(load.tiles() - from));
      }
      if (failure != null) {
        counters.failed(failure);
      }
      return PeerWire.reply(status(failure), load.tiles() - from);
    }
  }

  private static Status status(@Nullable PeerFailure failure) {
    if (failure == null) {
      return Status.OK;
    }
    return failure == PeerFailure.NO_ROOM ? Status.NO_ROOM : Status.REFUSED;
  }

  private @Nullable PeerFailure add(TileCache cache, TileLoad load, int mostPages, SentTile tile) {
    if (tile.bytes().remaining() != cache.groupBytes()) {
      return PeerFailure.WRONG_LENGTH;
    }
    if (!tile.isIntact(load.nextName())) {
      return PeerFailure.WRONG_CHECKSUM;
    }
    if (!mayTake(cache.geometry().kvHeads(), mostPages) || !load.add(tile.bytes())) {
      return PeerFailure.NO_ROOM;
    }
    counters.receivedTiles.increment();
    return null;
  }

  private synchronized boolean mayTake(int pages, int mostPages) {
    long now = nanoClock.getAsLong();
    if (!began || now - windowStartNs > WINDOW_NS) {
      began = true;
      windowStartNs = now;
      takenPages = 0;
    }
    takenPages += pages;
    return takenPages <= mostPages;
  }
}
