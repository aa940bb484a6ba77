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
package org.tilekv.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.ExecutorView.State;
import org.tilekv.coordinator.Refused.Reason;

class CoordinatorTest {

  private static final long TIMEOUT_MS = 5_000;

  private final long[] nowMs = {1_000};
  private final Coordinator coordinator =
      new Coordinator(
          TileKvConfig.parse(
              Map.of(
                  "spark.tilekv.executor.timeout",
                  TIMEOUT_MS + "ms",
                  "spark.tilekv.maxInitFailures",
                  "3")),
          () -> nowMs[0]);

  @Test
  void registrationOpensASessionAndRaisesTheEpoch() {
    RegisterReply a = register("a");
    RegisterReply b = register("b");
    assertThat(a.epoch()).isEqualTo(1);
    assertThat(b.epoch()).isEqualTo(2);
    assertThat(a.session()).isNotEqualTo(b.session());
    assertThat(coordinator.epoch()).isEqualTo(2);
    assertThat(coordinator.executors())
        .extracting(ExecutorView::executorId)
        .containsExactly("a", "b");
  }

  @Test
  void heartbeatsBringNumbersAndTiles() {
    RegisterReply a = register("a");
    assertThat(coordinator.heartbeat(heartbeat("a", a, 1, 10, 11)))
        .isEqualTo(new HeartbeatReply(1, false, false));
    assertThat(coordinator.heartbeat(heartbeat("a", a, 2, 12)))
        .isEqualTo(new HeartbeatReply(1, false, false));
    assertThat(coordinator.holders(10)).containsExactly("a");
    assertThat(coordinator.holders(12)).containsExactly("a");
    assertThat(coordinator.executors().get(0).stats().rows()).isEqualTo(2);
    assertThat(coordinator.stats().total().rows()).isEqualTo(2);
  }

  @Test
  void gapAsksForAFullHeartbeatUntilOneComes() {
    RegisterReply a = register("a");
    coordinator.heartbeat(heartbeat("a", a, 1, 10, 11));
    assertThat(coordinator.heartbeat(heartbeat("a", a, 3, 12)))
        .isEqualTo(new HeartbeatReply(1, true, false));
    assertThat(coordinator.heartbeat(heartbeat("a", a, 4, 13)))
        .isEqualTo(new HeartbeatReply(1, true, false));
    assertThat(coordinator.holders(12)).isEmpty();
    assertThat(coordinator.executors().get(0).stats().rows()).isEqualTo(4);
    assertThat(coordinator.heartbeat(full("a", a, 5, 11, 12)))
        .isEqualTo(new HeartbeatReply(1, false, false));
    assertThat(coordinator.holders(10)).isEmpty();
    assertThat(coordinator.holders(11)).containsExactly("a");
    assertThat(coordinator.holders(12)).containsExactly("a");
    assertThat(coordinator.stats().resyncs()).isEqualTo(2);
  }

  @Test
  void replaysAndStrangersAreRefusedByNameAndCounted() {
    RegisterReply a = register("a");
    coordinator.heartbeat(heartbeat("a", a, 1));
    coordinator.heartbeat(heartbeat("a", a, 2));
    refused(heartbeat("a", a, 2), Reason.DUPLICATE);
    refused(heartbeat("a", a, 1), Reason.OUT_OF_ORDER);
    refused(heartbeat("x", a, 1), Reason.UNKNOWN_EXECUTOR);
    refused(heartbeat("a", new RegisterReply(1, a.session() + 1), 3), Reason.STALE_SESSION);
    refused(heartbeat("a", new RegisterReply(99, a.session()), 3), Reason.FUTURE_EPOCH);
    assertThat(coordinator.stats().refused())
        .isEqualTo(
            Map.of(
                Reason.DUPLICATE, 1L,
                Reason.OUT_OF_ORDER, 1L,
                Reason.UNKNOWN_EXECUTOR, 1L,
                Reason.STALE_SESSION, 1L,
                Reason.FUTURE_EPOCH, 1L));
    assertThat(coordinator.stats().heartbeats()).isEqualTo(2);
  }

  @Test
  void olderEpochThanTheOneToldIsRefused() {
    RegisterReply a = register("a");
    register("b");
    // It could not know yet, and is told now.
    assertThat(coordinator.heartbeat(heartbeat("a", a, 1)))
        .isEqualTo(new HeartbeatReply(2, false, false));
    refused(heartbeat("a", a, 2), Reason.STALE_EPOCH);
    assertThat(coordinator.heartbeat(heartbeat("a", new RegisterReply(2, a.session()), 2)))
        .isInstanceOf(HeartbeatReply.class);
  }

  @Test
  void silenceExpiresAndTheExecutorMayComeBack() {
    RegisterReply a = register("a");
    register("b");
    coordinator.heartbeat(full("a", a, 1, 10));
    nowMs[0] += TIMEOUT_MS - 1;
    assertThat(coordinator.tick()).isEmpty();
    RegisterReply a2 = new RegisterReply(2, a.session());
    coordinator.heartbeat(heartbeat("a", a2, 2));
    nowMs[0] += 1;
    assertThat(coordinator.tick()).containsExactly("b");
    assertThat(coordinator.tick()).isEmpty();
    assertThat(coordinator.epoch()).isEqualTo(3);
    nowMs[0] += TIMEOUT_MS;
    assertThat(coordinator.tick()).containsExactly("a");
    assertThat(coordinator.holders(10)).isEmpty();
    refused(heartbeat("a", new RegisterReply(3, a.session()), 3), Reason.EXPIRED);

    RegisterReply again = register("a");
    refused(heartbeat("a", new RegisterReply(again.epoch(), a.session()), 4), Reason.STALE_SESSION);
    assertThat(coordinator.heartbeat(full("a", again, 1, 10))).isInstanceOf(HeartbeatReply.class);
    assertThat(coordinator.holders(10)).containsExactly("a");
    assertThat(coordinator.stats().expiredExecutors()).isEqualTo(2);
    assertThat(coordinator.stats().aliveExecutors()).isEqualTo(1);
  }

  @Test
  void lateMessagesOfARemovedExecutorAreRefused() {
    RegisterReply a = register("a");
    coordinator.heartbeat(full("a", a, 1, 10));
    coordinator.executorLost("a");
    refused(heartbeat("a", a, 2), Reason.REMOVED);
    assertThat(coordinator.register(new Register("a", "host", 4, 0)))
        .isInstanceOfSatisfying(
            Refused.class, r -> assertThat(r.reason()).isEqualTo(Reason.REMOVED));
    assertThat(coordinator.holders(10)).isEmpty();
    assertThat(coordinator.executors().get(0).state()).isEqualTo(State.REMOVED);
    assertThat(coordinator.stats().total().rows()).isEqualTo(1);
    assertThat(coordinator.stats().total().freePages()).isZero();
    long epoch = coordinator.epoch();
    coordinator.executorLost("a");
    coordinator.executorLost("never seen");
    assertThat(coordinator.epoch()).isEqualTo(epoch);
    assertThat(coordinator.register(new Register("never seen", "host", 4, 0)))
        .isInstanceOf(Refused.class);
    assertThat(coordinator.stats().removedExecutors()).isEqualTo(1);
  }

  @Test
  void registeringAgainKeepsCountersAndShards() {
    RegisterReply a = register("a");
    register("b");
    coordinator.heartbeat(heartbeat("a", a, 1));
    ShardMap before = coordinator.shardMap(10);
    register("a");
    assertThat(coordinator.epoch()).isEqualTo(before.epoch());
    assertThat(coordinator.shardMap(10)).isSameAs(before);
    assertThat(coordinator.stats().total().rows()).isEqualTo(1);
    assertThat(coordinator.executors()).hasSize(2);
  }

  @Test
  void shardMapsFollowTheMembers() {
    assertThat(coordinator.preferredExecutor(4, Shard.ofGroup(3))).isEmpty();
    register("a");
    register("b");
    ShardMap both = coordinator.shardMap(4);
    assertThat(both.shardsOf("a")).hasSize(2);
    assertThat(both.shardsOf("b")).hasSize(2);
    coordinator.executorLost("a");
    ShardMap one = coordinator.shardMap(4);
    assertThat(one.epoch()).isEqualTo(coordinator.epoch()).isGreaterThan(both.epoch());
    assertThat(one.shardsOf("b")).hasSize(4);
    assertThat(both.shardsOf("a")).as("a snapshot stays").hasSize(2);
    assertThat(coordinator.preferredExecutor(4, Shard.ofGroup(0)))
        .contains(new Member("b", "host-b", 4));
    Shard shard = Shard.ofGroup(0);
    assertThat(one.isOwner(shard, "b", one.epoch())).isTrue();
    assertThat(one.isOwner(shard, "b", both.epoch())).as("older epoch").isFalse();
    assertThat(one.isOwner(shard, "a", one.epoch())).isFalse();
  }

  @Test
  void mapsOfManySizesAreBounded() {
    register("a");
    for (int groups = 1; groups <= 3 * ShardMaps.MAX_MAPS; groups++) {
      assertThat(coordinator.shardMap(groups).groups()).isEqualTo(groups);
    }
    long epoch = coordinator.epoch();
    coordinator.shardMap(3 * ShardMaps.MAX_MAPS);
    assertThat(coordinator.epoch()).isEqualTo(epoch);
    coordinator.shardMap(1);
    assertThat(coordinator.epoch()).isEqualTo(epoch + 1);
  }

  @Test
  void failedStartsStopTheApplication() {
    coordinator.initFailed(new InitFailure("1", "bad-host", "no room"));
    coordinator.initFailed(new InitFailure("1", "bad-host", "no room"));
    coordinator.initFailed(new InitFailure("2", "good-host", "odd"));
    assertThat(coordinator.stopReason()).isEmpty();
    coordinator.initFailed(new InitFailure("3", "bad-host", "no room left"));
    assertThat(coordinator.stopReason())
        .hasValue(
            "3 executors could not start TileKV (spark.tilekv.maxInitFailures is 3), by host"
                + " {bad-host=2, good-host=1}; the last one said: no room left");
    assertThat(coordinator.stats().initFailures()).isEqualTo(3);
  }

  @Test
  void bytesAreAnsweredWithBytesWhateverTheyAre() {
    byte[] reply = coordinator.receive(Messages.encode(new Register("a", "host", 4, 0)));
    assertThat(Messages.decode(reply)).isInstanceOf(RegisterReply.class);
    for (byte[] bytes : List.of(new byte[0], new byte[50], new byte[100_000])) {
      assertThat(Messages.decode(coordinator.receive(bytes)))
          .isInstanceOfSatisfying(
              Refused.class, r -> assertThat(r.reason()).isEqualTo(Reason.MALFORMED));
    }
    assertThat(Messages.decode(coordinator.receive(Messages.encode(new Ack(1)))))
        .isEqualTo(new Refused(Reason.UNEXPECTED, 1, "Ack is not for the driver"));
    assertThat(coordinator.stats().refused()).containsEntry(Reason.MALFORMED, 3L);
  }

  @Test
  void goneExecutorsAreBoundedAndTheirCountersStay() {
    int count = ExecutorRegistry.MAX_GONE + 50;
    for (int i = 0; i < count; i++) {
      RegisterReply reply = register("e" + i);
      coordinator.heartbeat(heartbeat("e" + i, reply, 1));
      coordinator.executorLost("e" + i);
    }
    assertThat(coordinator.executors()).hasSize(ExecutorRegistry.MAX_GONE);
    assertThat(coordinator.stats().total().rows()).isEqualTo(count);
  }

  @Test
  void readersSeeWholeMapsWhileExecutorsComeAndGo() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      List<Future<?>> writers =
          List.of(threads.submit(() -> comeAndGo("a")), threads.submit(() -> comeAndGo("b")));
      Future<?> reader =
          threads.submit(
              () -> {
                long epoch = 0;
                while (!writers.stream().allMatch(Future::isDone)) {
                  ShardMap map = coordinator.shardMap(20);
                  assertThat(map.epoch()).isGreaterThanOrEqualTo(epoch);
                  epoch = map.epoch();
                  ShardMapCheck.checkAssigned(map);
                }
              });
      for (Future<?> writer : writers) {
        writer.get();
      }
      reader.get();
    } finally {
      threads.shutdownNow();
    }
    assertThat(coordinator.stats().aliveExecutors()).isZero();
    assertThat(coordinator.stats().removedExecutors()).isEqualTo(400);
    assertThat(coordinator.stats().total().rows()).isEqualTo(400);
  }

  private void comeAndGo(String name) {
    for (int i = 0; i < 200; i++) {
      String id = name + i;
      coordinator.heartbeat(full(id, register(id), 1, i));
      coordinator.executorLost(id);
    }
  }

  @Test
  void tilesAreFoundAtOthersAndPromptsAtOneWhereTheyCanBe() {
    RegisterReply a = registerWithTransport("a", 1);
    RegisterReply b = registerWithTransport("b", 2);
    registerWithTransport("c", 3);
    RegisterReply silent = register("d");
    coordinator.heartbeat(heartbeat("a", a, 1, 10, 11, 12));
    coordinator.heartbeat(heartbeat("b", b, 1, 11, 12, 13));
    coordinator.heartbeat(heartbeat("d", silent, 1, 14));
    Peer atA = new Peer("a", "host-a", 1);
    Peer atB = new Peer("b", "host-b", 2);
    assertThat(locate("c", 10, 11, 12, 13, 14, 15))
        .isEqualTo(new Located(2, List.of(atA, atB), List.of(0, 0, 0, 1, -1, -1)));
    assertThat(locate("a", 10, 11)).isEqualTo(new Located(2, List.of(atB), List.of(-1, 0)));
    coordinator.executorLost("b");
    assertThat(locate("c", 11, 13)).isEqualTo(new Located(1, List.of(atA), List.of(0, -1)));
  }

  @Test
  void whoLeavesIsToldAndLearnsWhoTakesOver() {
    RegisterReply a = registerWithTransport("a", 1);
    registerWithTransport("b", 2);
    registerWithTransport("c", 3);
    assertThat(successors("a")).isEqualTo(new Successors(false, List.of()));
    assertThat(coordinator.decommissioning("a")).isTrue();
    assertThat(coordinator.decommissioning("a")).isFalse();
    coordinator.decommissioning("c");
    assertThat(coordinator.heartbeat(heartbeat("a", a, 1)))
        .isInstanceOfSatisfying(
            HeartbeatReply.class, reply -> assertThat(reply.leaving()).isTrue());
    Successors expected = new Successors(true, List.of(new Peer("b", "host-b", 2)));
    assertThat(successors("a")).isEqualTo(expected);
    coordinator.executorLost("a");
    assertThat(successors("a")).as("also when it is gone already").isEqualTo(expected);
  }

  private Message locate(String id, long... names) {
    return ask(new Locate(id, TileNames.of(names)));
  }

  private Message successors(String id) {
    return ask(new FindSuccessors(id));
  }

  private Message ask(Message message) {
    return Messages.decode(coordinator.receive(Messages.encode(message)));
  }

  private RegisterReply registerWithTransport(String id, int port) {
    return (RegisterReply) coordinator.register(new Register(id, "host-" + id, 4, 0, port));
  }

  private RegisterReply register(String id) {
    return (RegisterReply) coordinator.register(new Register(id, "host-" + id, 4, 1 << 20));
  }

  private void refused(Heartbeat heartbeat, Reason reason) {
    assertThat(coordinator.heartbeat(heartbeat))
        .isInstanceOfSatisfying(
            Refused.class,
            r -> {
              assertThat(r.reason()).isEqualTo(reason);
              assertThat(r.epoch()).isEqualTo(coordinator.epoch());
            });
  }

  private static Heartbeat heartbeat(
      String id, RegisterReply session, long number, long... published) {
    return heartbeat(id, session, number, false, published);
  }

  private static Heartbeat full(String id, RegisterReply session, long number, long... held) {
    return heartbeat(id, session, number, true, held);
  }

  private static Heartbeat heartbeat(
      String id, RegisterReply session, long number, boolean full, long... published) {
    long[] numbers = new long[ExecutorStats.FIELDS];
    numbers[0] = number;
    numbers[ExecutorStats.FIELDS - 3] = 5;
    return new Heartbeat(
        id,
        session.session(),
        number,
        session.epoch(),
        full,
        ExecutorStats.of(numbers),
        TileNames.of(published),
        TileNames.NONE);
  }
}
