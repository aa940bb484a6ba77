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
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.Peer;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.spark.PeerWire.Fetch;
import org.tilekv.spark.PeerWire.FormatException;
import org.tilekv.spark.PeerWire.ReplyReader;
import org.tilekv.spark.PeerWire.SentTile;
import org.tilekv.spark.PeerWire.Status;

/**
 * Fetches tiles from other executors. What comes is checked against what was asked for: name,
 * parent, token ids, length and checksum. Any doubt ends the fetch and is counted; an executor that
 * gives rise to one is left alone for a while. Thread-safe.
 */
final class PeerClient {

  private static final Logger LOG = LoggerFactory.getLogger(PeerClient.class);

  private final PeerLink link;
  private final PeerGate gate;
  private final PeerCounters counters;
  private final FetchCost cost;
  private final LongSupplier nanoClock;

  PeerClient(
      PeerLink link, PeerGate gate, PeerCounters counters, FetchCost cost, LongSupplier nanoClock) {
    this.link = link;
    this.gate = gate;
    this.counters = counters;
    this.cost = cost;
    this.nanoClock = nanoClock;
  }

  /**
   * Asks one executor for tiles of one prompt.
   *
   * @param wanted the tiles, each continuing the one before
   * @param tileBytes size of each
   * @return bytes of the leading ones that came and are right; may be empty
   */
  List<ByteBuffer> fetch(Peer peer, String namespace, List<NamedTile> wanted, int tileBytes)
      throws InterruptedException {
    long bytes = (long) wanted.size() * tileBytes;
    if (!gate.enter(peer, bytes)) {
      counters.failed(PeerFailure.BUSY);
      return List.of();
    }
    List<ByteBuffer> tiles = new ArrayList<>();
    boolean failed = true;
    try {
      @Nullable PeerFailure failure = fetch(peer, namespace, wanted, tileBytes, tiles);
      if (failure != null) {
        counters.failed(failure);
      }
      failed = failure != null && isItsFault(failure);
    } finally {
      gate.leave(peer, bytes, failed);
    }
    counters.fetchedTiles.add(tiles.size());
    counters.fetchedBytes.add((long) tiles.size() * tileBytes);
    return tiles;
  }

  private static boolean isItsFault(PeerFailure failure) {
    return failure != PeerFailure.BUSY && failure != PeerFailure.NO_MODEL;
  }

  private @Nullable PeerFailure fetch(
      Peer peer, String namespace, List<NamedTile> wanted, int tileBytes, List<ByteBuffer> tiles)
      throws InterruptedException {
    List<ChainHash> names = wanted.stream().map(NamedTile::name).toList();
    int mostBytes = Math.max(PeerWire.TILE_BYTES_PER_MESSAGE, tileBytes);
    long start = nanoClock.getAsLong();
    try {
      ByteBuffer answer = link.ask(peer, PeerWire.encode(new Fetch(namespace, mostBytes, names)));
      cost.fetched(answer.remaining(), nanoClock.getAsLong() - start);
      return read(new ReplyReader(answer), wanted, tileBytes, tiles);
    } catch (FormatException e) {
      LOG.warn("executor {} sent what is no answer: {}", peer.executorId(), e.getMessage());
      return PeerFailure.MALFORMED;
    } catch (IOException | RuntimeException e) {
      LOG.info("executor {} cannot be asked for tiles: {}", peer.executorId(), e.toString());
      return PeerFailure.UNREACHABLE;
    }
  }

  private static @Nullable PeerFailure read(
      ReplyReader reply, List<NamedTile> wanted, int tileBytes, List<ByteBuffer> tiles)
      throws FormatException {
    if (reply.status != Status.OK) {
      return refusal(reply.status);
    }
    if (reply.count < 0 || reply.count > wanted.size()) {
      return PeerFailure.MALFORMED;
    }
    for (NamedTile want : wanted.subList(0, reply.count)) {
      NamedTile came = reply.nextTile();
      SentTile sent = reply.nextBytes();
      if (!isSame(came, want)) {
        return PeerFailure.WRONG_TILE;
      }
      if (sent.bytes().remaining() != tileBytes) {
        return PeerFailure.WRONG_LENGTH;
      }
      if (!sent.isIntact(want.name())) {
        return PeerFailure.WRONG_CHECKSUM;
      }
      tiles.add(sent.bytes());
    }
    return null;
  }

  private static PeerFailure refusal(Status status) {
    return switch (status) {
      case BUSY -> PeerFailure.BUSY;
      case NO_MODEL -> PeerFailure.NO_MODEL;
      case NO_ROOM -> PeerFailure.NO_ROOM;
      case OK, MALFORMED, REFUSED, NO_PARENT -> PeerFailure.MALFORMED;
    };
  }

  private static boolean isSame(NamedTile came, NamedTile wanted) {
    return came.name().equals(wanted.name())
        && came.parent().equals(wanted.parent())
        && Arrays.equals(came.tokens(), wanted.tokens());
  }
}
