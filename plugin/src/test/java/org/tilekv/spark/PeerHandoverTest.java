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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.TileCache;
import org.tilekv.coordinator.Peer;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;

/** A cache that leaves, two that take over. */
class PeerHandoverTest {

  private static final Peer A = new Peer("a", "host", 1);
  private static final Peer B = new Peer("b", "host", 2);

  private final Random random = new Random(5);
  private final TileCache leaving = PeerFixtures.cache(64);
  private final TileCache atA = PeerFixtures.cache(200);
  private final TileCache atB = PeerFixtures.cache(200);
  private final Map<Peer, TileCache> caches = Map.of(A, atA, B, atB);
  private final Map<Peer, PeerServer> servers = new HashMap<>();
  private final PeerCounters counters = new PeerCounters();
  private final PeerCounters received = new PeerCounters();
  private final Set<Peer> dead = new HashSet<>();
  private long nowNs;
  private long askNs;

  PeerHandoverTest() {
    caches.forEach(
        (peer, cache) ->
            servers.put(
                peer,
                new PeerServer(
                    namespace -> cache,
                    new HandedTiles(received, () -> nowNs),
                    Runnable::run,
                    1 << 20,
                    received)));
  }

  @AfterEach
  void close() {
    leaving.checkIntegrity();
    leaving.close();
    for (TileCache cache : caches.values()) {
      cache.checkIntegrity();
      cache.close();
    }
  }

  private ByteBuffer ask(Peer peer, ByteBuffer message) throws IOException {
    nowNs += askNs;
    if (dead.contains(peer)) {
      throw new IOException("no answer");
    }
    try {
      message.get();
      return Objects.requireNonNull(servers.get(peer)).answer(message);
    } catch (PeerWire.FormatException e) {
      throw new AssertionError(e);
    }
  }

  private void handOver(long windowNs, long bytes) throws InterruptedException {
    new PeerHandover(this::ask, List.of(A, B), counters, () -> nowNs, nowNs + windowNs, bytes)
        .run(leaving);
  }

  private int held(SequenceRequest request) {
    return Math.max(
        PeerFixtures.sameTiles(leaving, atA, request),
        PeerFixtures.sameTiles(leaving, atB, request));
  }

  private List<SequenceRequest> filled(int prompts, int tiles, @Nullable String salt) {
    List<SequenceRequest> requests = new ArrayList<>();
    for (int i = 0; i < prompts; i++) {
      SequenceRequest request = PeerFixtures.request(random, tiles, salt);
      PeerFixtures.fill(leaving, request, random);
      requests.add(request);
    }
    return requests;
  }

  @Test
  void allGoesToTheSuccessorsAndEachPromptToOne() throws Exception {
    List<SequenceRequest> requests = filled(8, 6, "tenant");
    handOver(1_000_000, 1 << 30);
    for (SequenceRequest request : requests) {
      assertThat(held(request)).isEqualTo(6);
    }
    assertThat(counters.handedTiles.sum()).isEqualTo(48);
    assertThat(received.receivedTiles.sum()).isEqualTo(48);
    assertThat(atA.stats().loadedTiles()).isBetween(6L, 42L);
  }

  @Test
  void theHottestGoFirstWhereBytesAreFew() throws Exception {
    List<SequenceRequest> cold = filled(8, 6, null);
    SequenceRequest hot = cold.get(3);
    for (int i = 0; i < 5; i++) {
      Objects.requireNonNull(leaving.open(hot)).close();
    }
    handOver(1_000_000, 6L * leaving.groupBytes());
    assertThat(held(hot)).isEqualTo(6);
    assertThat(counters.handedTiles.sum()).isEqualTo(6);
  }

  @Test
  void theWindowEndsIt() throws Exception {
    filled(8, 6, null);
    askNs = 10;
    handOver(25, 1 << 30);
    assertThat(counters.handedTiles.sum()).isEqualTo(18);
  }

  @Test
  void aDeadSuccessorsShareGoesToTheOther() throws Exception {
    List<SequenceRequest> requests = filled(8, 6, null);
    dead.add(A);
    handOver(1_000_000, 1 << 30);
    for (SequenceRequest request : requests) {
      assertThat(PeerFixtures.sameTiles(leaving, atB, request)).isEqualTo(6);
    }
    assertThat(counters.failures(PeerFailure.UNREACHABLE)).isEqualTo(1);
    dead.add(B);
    handOver(1_000_000, 1 << 30);
  }

  @Test
  void aSuccessorTakesAShareOfItsPoolOnly() throws Exception {
    filled(10, 6, null);
    dead.add(B);
    TileCache small = PeerFixtures.cache(40);
    servers.put(
        A,
        new PeerServer(
            namespace -> small,
            new HandedTiles(received, () -> nowNs),
            Runnable::run,
            1 << 20,
            received));
    handOver(1_000_000, 1 << 30);
    assertThat(received.receivedTiles.sum()).isEqualTo(40 / HandedTiles.SHARE);
    assertThat(received.failures(PeerFailure.NO_ROOM)).isEqualTo(1);
    small.checkIntegrity();
    small.close();
  }

  @Test
  void messagesAreCutIntoRowsOfTilesWithTheirParentsBefore() {
    SequenceRequest request = PeerFixtures.request(random, 10, null);
    int[] branch = request.prompt().clone();
    branch[5 * PeerFixtures.TILE_TOKENS]++;
    PeerFixtures.fill(leaving, request, random);
    PeerFixtures.fill(leaving, PeerFixtures.request(branch, null), random);
    HandoverPlan plan = new HandoverPlan();
    List<HandoverPlan.Segment> segments = plan.segments(leaving.hottestTiles(64), 4);
    Set<ChainHash> sent = new HashSet<>();
    int tiles = 0;
    for (HandoverPlan.Segment segment : segments) {
      ChainHash parent = segment.tiles().get(0).parent();
      assertThat(segment.firstIndex() == 0 || sent.contains(parent)).isTrue();
      for (NamedTile tile : segment.tiles()) {
        assertThat(tile.parent()).isEqualTo(parent);
        parent = tile.name();
        sent.add(tile.name());
        tiles++;
      }
      assertThat(plan.tokens(segment, segment.tiles().size()))
          .hasSize((segment.firstIndex() + segment.tiles().size()) * PeerFixtures.TILE_TOKENS);
    }
    assertThat(tiles).isEqualTo(15);
    assertThat(segments.size()).isLessThanOrEqualTo(5);
  }

  @Test
  void aDamagedTileIsNotTaken() throws Exception {
    filled(1, 3, null);
    PeerHandover handover =
        new PeerHandover(
            (peer, message) -> {
              message.put(message.limit() - 1, (byte) ~message.get(message.limit() - 1));
              return ask(peer, message);
            },
            List.of(A),
            counters,
            () -> nowNs,
            1_000_000,
            1 << 30);
    handover.run(leaving);
    assertThat(received.receivedTiles.sum()).isEqualTo(2);
    assertThat(received.failures(PeerFailure.WRONG_CHECKSUM)).isEqualTo(1);
    assertThat(atA.stats().publishedTiles()).isEqualTo(2);
  }
}
