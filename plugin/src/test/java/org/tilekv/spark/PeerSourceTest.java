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
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.SequenceRequest;
import org.tilekv.cache.TileCache;
import org.tilekv.coordinator.Locate;
import org.tilekv.coordinator.Located;
import org.tilekv.coordinator.Messages;
import org.tilekv.coordinator.Peer;
import org.tilekv.spark.PeerWire.Status;

/** Two caches, a server over one, a source for the other, and what can go wrong in between. */
class PeerSourceTest {

  private static final int TILES = 8;
  private static final Peer HOLDER = new Peer("1", "host", 7);

  private final Random random = new Random(11);
  private final TileCache theirs = PeerFixtures.cache(32);
  private final TileCache ours = PeerFixtures.cache(32);
  private final PeerCounters counters = new PeerCounters();
  private final PeerCounters theirCounters = new PeerCounters();
  private final AtomicInteger driverAsked = new AtomicInteger();
  private final AtomicInteger peerAsked = new AtomicInteger();
  private final SequenceRequest request = PeerFixtures.request(random, TILES, "tenant");
  private long nowNs;
  private Fault fault = Fault.NONE;
  private int others = 1;

  /** What happens to an answer on its way. */
  enum Fault {
    NONE(null),
    DEAD(PeerFailure.UNREACHABLE),
    WRONG_BYTE(PeerFailure.WRONG_CHECKSUM),
    CUT_OFF(PeerFailure.MALFORMED),
    OTHER_TILE(PeerFailure.WRONG_TILE),
    SHORT_TILE(PeerFailure.WRONG_LENGTH),
    BUSY(PeerFailure.BUSY),
    NO_MODEL(PeerFailure.NO_MODEL),
    NO_ANSWER(PeerFailure.MALFORMED),
    BROKEN_LINK(PeerFailure.UNREACHABLE);

    final @Nullable PeerFailure seen;

    Fault(@Nullable PeerFailure seen) {
      this.seen = seen;
    }
  }

  private final PeerServer server =
      new PeerServer(
          namespace -> theirs,
          new HandedTiles(theirCounters, () -> nowNs),
          Runnable::run,
          1 << 20,
          theirCounters);

  private final TileLocator locator =
      new TileLocator("2", message -> answerOfDriver(message), Runnable::run, () -> nowNs);

  private final FetchCost cost = new FetchCost();
  private final PeerGate gate = new PeerGate(1 << 20, () -> nowNs);

  private final PeerSource source =
      source(new PeerClient(this::ask, gate, counters, cost, () -> nowNs));

  private PeerSource source(PeerClient client) {
    return new PeerSource(
        ours,
        2 * PeerFixtures.TILE_TOKENS,
        locator,
        client,
        cost,
        counters,
        Runnable::run,
        new AskedPrompts(() -> nowNs),
        () -> {});
  }

  @AfterEach
  void close() {
    ours.checkIntegrity();
    theirs.checkIntegrity();
    assertThat(gate.bytesOnTheWay()).isZero();
    assertThat(ours.stats().openSequences() + theirs.stats().openSequences()).isZero();
    ours.close();
    theirs.close();
  }

  private byte[] answerOfDriver(byte[] message) {
    driverAsked.incrementAndGet();
    Locate locate = (Locate) Messages.decode(message);
    List<Integer> holders = new ArrayList<>();
    for (int i = 0; i < locate.names().size(); i++) {
      long name = locate.names().get(i);
      boolean held =
          theirs.residentTiles().stream().anyMatch(tile -> tile.name().shortName() == name);
      holders.add(held ? 0 : Located.NOBODY);
    }
    return Messages.encode(new Located(others, List.of(HOLDER), holders));
  }

  private ByteBuffer ask(Peer peer, ByteBuffer message) throws IOException {
    peerAsked.incrementAndGet();
    assertThat(peer).isEqualTo(HOLDER);
    if (fault == Fault.DEAD) {
      throw new IOException("no answer");
    }
    if (fault == Fault.BROKEN_LINK) {
      throw new IllegalStateException("the connection broke");
    }
    try {
      assertThat(message.get()).isEqualTo(PeerServer.CHANNEL);
      return damage(server.answer(message));
    } catch (PeerWire.FormatException e) {
      throw new AssertionError(e);
    }
  }

  private ByteBuffer damage(ByteBuffer answer) {
    int firstTile = 10;
    int lengthAt = firstTile + 64 + 4 + 4 * PeerFixtures.TILE_TOKENS;
    switch (fault) {
      case WRONG_BYTE -> answer.put(lengthAt + 20, (byte) (answer.get(lengthAt + 20) ^ 4));
      case CUT_OFF -> answer.limit(answer.limit() - 1);
      case OTHER_TILE -> answer.put(firstTile, (byte) ~answer.get(firstTile));
      case SHORT_TILE -> answer.putInt(lengthAt, answer.getInt(lengthAt) - 1);
      case BUSY -> {
        return PeerWire.reply(Status.BUSY, 0);
      }
      case NO_MODEL -> {
        return PeerWire.reply(Status.NO_MODEL, 0);
      }
      case NO_ANSWER -> {
        return ByteBuffer.wrap("HTTP/1.1 200 OK".getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
      default -> {}
    }
    return answer;
  }

  private void fillTheirs() {
    PeerFixtures.fill(theirs, request, random);
  }

  @Test
  void tilesOfAnotherExecutorComeByteForByte() {
    fillTheirs();
    assertThat(source.loadableTokens(request, 0)).isEqualTo(2 * PeerFixtures.TILE_TOKENS);
    assertThat(source.load(request)).isCompleted();
    assertThat(PeerFixtures.sameTiles(theirs, ours, request)).isEqualTo(TILES);
    assertThat(ours.stats().loadedTiles()).isEqualTo(TILES);
    assertThat(counters.fetchedTiles.sum()).isEqualTo(TILES);
    assertThat(theirCounters.servedTiles.sum()).isEqualTo(TILES);
    assertThat(counters.allFailures()).isZero();
    assertThat(peerAsked.get()).as("in one message").isEqualTo(1);
  }

  @Test
  void onlyWhatIsMissingIsAskedFor() {
    fillTheirs();
    int[] prompt = request.prompt();
    SequenceRequest start =
        PeerFixtures.request(java.util.Arrays.copyOf(prompt, 3 * 4 + 1), "tenant");
    source.load(start);
    assertThat(counters.fetchedTiles.sum()).isEqualTo(3);
    source.load(request);
    assertThat(counters.fetchedTiles.sum()).isEqualTo(TILES);
    assertThat(PeerFixtures.sameTiles(theirs, ours, request)).isEqualTo(TILES);
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void anyDoubtIsAMiss(Fault happens) {
    fillTheirs();
    fault = happens;
    assertThat(source.load(request)).isCompleted();
    if (happens == Fault.NONE) {
      return;
    }
    // Cut off at its end, an answer still brings the tiles before.
    int right = happens == Fault.CUT_OFF ? TILES - 1 : 0;
    assertThat(ours.stats().publishedTiles()).isEqualTo(right);
    assertThat(PeerFixtures.sameTiles(theirs, ours, request)).isEqualTo(right);
    assertThat(counters.failures(Objects.requireNonNull(happens.seen))).isEqualTo(1);
    assertThat(counters.allFailures()).isEqualTo(1);
  }

  @Test
  void aFailedExecutorIsLeftAloneForAWhile() {
    fillTheirs();
    fault = Fault.DEAD;
    source.load(request);
    fault = Fault.NONE;
    nowNs += PeerGate.FIRST_BACK_OFF_NS - 1;
    SequenceRequest other =
        PeerFixtures.request(java.util.Arrays.copyOf(request.prompt(), 4 * 4 + 1), "tenant");
    source.load(other);
    assertThat(peerAsked.get()).isEqualTo(1);
    assertThat(counters.failures(PeerFailure.BUSY)).isEqualTo(1);
    nowNs += AskedPrompts.MEMORY_NS + 1;
    source.load(other);
    assertThat(peerAsked.get()).isEqualTo(2);
    assertThat(PeerFixtures.sameTiles(theirs, ours, other)).isEqualTo(4);
  }

  @Test
  void whatNobodyHoldsIsNotAskedForAgainSoon() {
    assertThat(source.loadableTokens(request, 0)).isPositive();
    assertThat(source.load(request)).isCompleted();
    assertThat(source.loadableTokens(request, 0)).isZero();
    assertThat(source.load(request)).isCompleted();
    assertThat(driverAsked.get()).isEqualTo(1);
    assertThat(peerAsked.get()).isZero();
    nowNs += AskedPrompts.MEMORY_NS + 1;
    assertThat(source.loadableTokens(request, 0)).isPositive();
  }

  @Test
  void nothingIsLoadableWhereThereIsNoOtherExecutorOrTooLittle() {
    assertThat(source.loadableTokens(request, (TILES - 1) * PeerFixtures.TILE_TOKENS))
        .isEqualTo((TILES - 1) * PeerFixtures.TILE_TOKENS);
    others = 0;
    source.load(request);
    SequenceRequest next = PeerFixtures.request(random, TILES, null);
    assertThat(source.loadableTokens(next, 0)).isZero();
    others = 1;
    nowNs += TileLocator.ALONE_NS + 1;
    assertThat(source.loadableTokens(next, 0)).as("one may have come").isPositive();
  }

  @Test
  void anotherSaltFindsNothing() {
    fillTheirs();
    for (@Nullable String salt : Arrays.asList(null, "other", "tenan")) {
      source.load(PeerFixtures.request(request.prompt(), salt));
    }
    assertThat(peerAsked.get()).isZero();
    assertThat(ours.stats().publishedTiles()).isZero();
  }

  @Test
  void computingIsPreferredWhereItIsFaster() {
    fillTheirs();
    cost.computed(1_000_000, 1_000_000);
    source.load(request);
    assertThat(peerAsked.get()).isZero();
    assertThat(counters.notWorthIt.sum()).isEqualTo(1);
  }

  @Test
  void aFullPoolEndsTheLoad() {
    fillTheirs();
    SequenceRequest held = PeerFixtures.request(random, 29, null);
    try (var sequence = Objects.requireNonNull(ours.open(held))) {
      assertThat(sequence.reserve(29 * PeerFixtures.TILE_TOKENS)).isTrue();
      source.load(request);
      assertThat(counters.failures(PeerFailure.NO_ROOM)).isEqualTo(1);
      assertThat(PeerFixtures.sameTiles(theirs, ours, request)).isEqualTo(3);
    }
  }

  @Test
  void twoLoadsOfOnePrefixFetchItOnce() {
    fillTheirs();
    List<Runnable> tasks = new ArrayList<>();
    PeerSource queued =
        new PeerSource(
            ours,
            4,
            locator,
            new PeerClient(this::ask, gate, counters, cost, () -> nowNs),
            cost,
            counters,
            tasks::add,
            new AskedPrompts(() -> nowNs),
            () -> {});
    int[] longer = java.util.Arrays.copyOf(request.prompt(), TILES * 4 + 9);
    CompletableFuture<Void> one = queued.load(request);
    assertThat(queued.load(request)).isSameAs(one);
    CompletableFuture<Void> two = queued.load(PeerFixtures.request(longer, "tenant"));
    while (!tasks.isEmpty()) {
      tasks.remove(0).run();
    }
    assertThat(one).isCompleted();
    assertThat(two).isCompleted();
    assertThat(counters.fetchedTiles.sum()).isEqualTo(TILES);
  }

  @Test
  void aSourceWithoutThreadsLoadsNothing() {
    PeerSource refused =
        new PeerSource(
            ours,
            4,
            locator,
            new PeerClient(this::ask, gate, counters, cost, () -> nowNs),
            cost,
            counters,
            task -> {
              throw new RejectedExecutionException();
            },
            new AskedPrompts(() -> nowNs),
            () -> {});
    assertThat(refused.load(request)).isCompleted();
  }

  @Test
  void aDriverThatDoesNotAnswerIsAMiss() {
    TileLocator silent =
        new TileLocator(
            "2",
            message -> {
              throw new IOException("the driver is gone");
            },
            Runnable::run,
            () -> nowNs);
    PeerSource lost =
        new PeerSource(
            ours,
            4,
            silent,
            new PeerClient(this::ask, gate, counters, cost, () -> nowNs),
            cost,
            counters,
            Runnable::run,
            new AskedPrompts(() -> nowNs),
            () -> {});
    assertThat(lost.load(request)).isCompleted();
    assertThat(peerAsked.get()).isZero();
  }
}
