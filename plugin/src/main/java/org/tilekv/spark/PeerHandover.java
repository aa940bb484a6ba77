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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.cache.TileCache;
import org.tilekv.coordinator.Peer;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.spark.HandoverPlan.Segment;
import org.tilekv.spark.PeerWire.FormatException;
import org.tilekv.spark.PeerWire.Push;
import org.tilekv.spark.PeerWire.ReplyReader;
import org.tilekv.spark.PeerWire.SentTile;
import org.tilekv.spark.PeerWire.Status;

/**
 * Sends the hottest tiles of caches to the executors that take over, until time or bytes are used
 * up. Tiles of one prompt go to one executor, parents first. Used by one thread.
 */
final class PeerHandover {

  private static final Logger LOG = LoggerFactory.getLogger(PeerHandover.class);

  private final PeerLink link;
  private final List<Peer> successors;
  private final PeerCounters counters;
  private final LongSupplier nanoClock;
  private final long deadlineNs;
  private long bytesLeft;

  /** What came of one message. */
  private enum Outcome {
    /** The next one may follow. */
    GO_ON,
    /** This executor takes no more. */
    NEXT_PEER
  }

  PeerHandover(
      PeerLink link,
      List<Peer> successors,
      PeerCounters counters,
      LongSupplier nanoClock,
      long deadlineNs,
      long maxBytes) {
    this.link = link;
    this.successors = new ArrayList<>(successors);
    this.counters = counters;
    this.nanoClock = nanoClock;
    this.deadlineNs = deadlineNs;
    this.bytesLeft = maxBytes;
  }

  /** Hands over what it can of a cache. */
  void run(TileCache cache) throws InterruptedException {
    int most = (int) Math.min(Integer.MAX_VALUE, bytesLeft / cache.groupBytes());
    int perMessage = Math.max(1, PeerWire.TILE_BYTES_PER_MESSAGE / cache.groupBytes());
    HandoverPlan plan = new HandoverPlan();
    for (Segment segment : plan.segments(cache.hottestTiles(most), perMessage)) {
      if (!mayGoOn()) {
        return;
      }
      send(cache, plan, segment);
    }
  }

  private boolean mayGoOn() {
    return bytesLeft > 0 && !successors.isEmpty() && nanoClock.getAsLong() - deadlineNs < 0;
  }

  private void send(TileCache cache, HandoverPlan plan, Segment segment)
      throws InterruptedException {
    List<SentTile> tiles = read(cache, segment);
    if (tiles.isEmpty()) {
      return;
    }
    Push push =
        new Push(
            cache.namespace().hex(),
            segment.root(),
            plan.tokens(segment, tiles.size()),
            segment.firstIndex(),
            tiles);
    while (mayGoOn()) {
      Peer peer = choose(segment.first());
      if (send(peer, push, cache.groupBytes()) == Outcome.GO_ON) {
        return;
      }
      successors.remove(peer);
    }
  }

  private static List<SentTile> read(TileCache cache, Segment segment) {
    List<SentTile> tiles = new ArrayList<>();
    for (NamedTile tile : segment.tiles()) {
      ByteBuffer bytes = ByteBuffer.allocate(cache.groupBytes());
      if (cache.read(tile.name(), bytes) == null) {
        break;
      }
      bytes.flip();
      tiles.add(new SentTile(bytes, PeerWire.checksum(tile.name(), bytes)));
    }
    return tiles;
  }

  /** The same for all tiles behind a first one; another only where that one takes no more. */
  private Peer choose(ChainHash first) {
    Peer chosen = successors.get(0);
    long highest = Long.MIN_VALUE;
    for (Peer peer : successors) {
      long score = mix(first.shortName() ^ mix(peer.executorId().hashCode()));
      if (score >= highest) {
        highest = score;
        chosen = peer;
      }
    }
    return chosen;
  }

  private static long mix(long value) {
    long mixed = (value ^ (value >>> 33)) * 0xFF51AFD7ED558CCDL;
    mixed = (mixed ^ (mixed >>> 33)) * 0xC4CEB9FE1A85EC53L;
    return mixed ^ (mixed >>> 33);
  }

  private Outcome send(Peer peer, Push push, int tileBytes) throws InterruptedException {
    try {
      ReplyReader reply = new ReplyReader(link.ask(peer, PeerWire.encode(push)));
      int taken = Math.max(0, Math.min(reply.count, push.tiles().size()));
      counters.handedTiles.add(taken);
      counters.handedBytes.add((long) taken * tileBytes);
      bytesLeft -= (long) taken * tileBytes;
      if (reply.status == Status.OK || reply.status == Status.NO_PARENT) {
        return Outcome.GO_ON;
      }
      LOG.info("executor {} takes no more tiles: {}", peer.executorId(), reply.status);
    } catch (IOException | FormatException | RuntimeException e) {
      LOG.info("executor {} takes no tiles: {}", peer.executorId(), e.toString());
      counters.failed(PeerFailure.UNREACHABLE);
    }
    return Outcome.NEXT_PEER;
  }
}
