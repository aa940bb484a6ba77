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

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.Refused.Reason;

/**
 * A coordinator in service, with executors that have tiles and shards, is sent what it must not
 * take: the refusal has a name, that name's counter rises by one, and nothing else changes.
 */
class RefusedMessagesTest {

  private static final int GROUPS = 64;
  private static final long[] TILES = LongStream.range(0, 40).toArray();
  private static final long TIMEOUT_MS = 30_000;

  private final long[] nowMs = {1_000};
  private final Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> nowMs[0]);
  private final Map<String, ExecutorReporter> executors = new LinkedHashMap<>();

  private ExecutorReporter executor(String id) {
    return Objects.requireNonNull(executors.get(id), id);
  }

  /** Executors a to d serve; {@code gone} was taken away, {@code silent} for too long. */
  @BeforeEach
  void serve() {
    for (String id : new String[] {"silent", "gone", "a", "b", "c", "d"}) {
      executors.put(id, new ExecutorReporter(new Register(id, "host-" + id, 4, 1 << 20)));
      beat(id);
    }
    coordinator.shardMap(GROUPS);
    int tile = 0;
    for (String id : executors.keySet()) {
      for (int i = 0; i < 5; i++) {
        executor(id).published(tile++);
      }
      beat(id);
    }
    for (String id : new String[] {"gone", "a", "b", "c", "d"}) {
      nowMs[0] += TIMEOUT_MS / 5;
      beat("a");
      beat("b");
      beat("c");
      beat("d");
      beat(id);
    }
    assertThat(coordinator.tick()).containsExactly("silent");
    coordinator.executorLost("gone");
    for (String id : new String[] {"a", "b", "c", "d"}) {
      beat(id);
    }
    assertThat(coordinator.stats().refused()).isEmpty();
    assertThat(coordinator.stats().aliveExecutors()).isEqualTo(4);
  }

  private void beat(String id) {
    ExecutorReporter reporter = executor(id);
    ExecutorReporter.Next next = ExecutorReporter.Next.AT_ONCE;
    while (next == ExecutorReporter.Next.AT_ONCE) {
      next = reporter.answered(coordinator.receive(reporter.next(stats(id))));
    }
  }

  private static ExecutorStats stats(String id) {
    long[] numbers = new long[ExecutorStats.FIELDS];
    numbers[0] = id.hashCode() & 0xFF;
    return ExecutorStats.of(numbers);
  }

  private CoordinatorState state() {
    return CoordinatorState.of(coordinator, GROUPS, TILES);
  }

  /** What executor a would send next, changed in the number and epoch. */
  private byte[] heartbeat(String id, long sessionAhead, long number, long epochAhead) {
    ExecutorReporter reporter = executor(id);
    Heartbeat real = (Heartbeat) Messages.decode(reporter.next(stats(id)));
    return Messages.encode(
        new Heartbeat(
            id,
            real.session() + sessionAhead,
            number == 0 ? real.number() : number,
            real.epoch() + epochAhead,
            false,
            ExecutorStats.ZERO,
            TileNames.of(1_000, 1_001),
            TileNames.of(TILES)));
  }

  private void refused(String what, byte[] message, Reason expected) {
    CoordinatorState before = state();
    Map<Reason, Long> counters = new EnumMap<>(Reason.class);
    counters.putAll(coordinator.stats().refused());
    Message reply = Messages.decode(coordinator.receive(message));
    assertThat(reply).as(what).isInstanceOf(Refused.class);
    assertThat(((Refused) reply).reason()).as(what).isEqualTo(expected);
    assertThat(((Refused) reply).epoch()).as(what).isEqualTo(coordinator.epoch());
    counters.merge(expected, 1L, Long::sum);
    assertThat(coordinator.stats().refused()).as(what).isEqualTo(counters);
    assertThat(state()).as(what).isEqualTo(before);
    System.out.printf("%-48s refused as %-16s %s%n", what, expected, ((Refused) reply).detail());
  }

  @Test
  void eachIsRefusedByItsNameAndNothingElseIsDisturbed() {
    byte[] beat = executor("a").next(stats("a"));
    executor("a").answered(coordinator.receive(beat));
    long number = ((Heartbeat) Messages.decode(beat)).number();

    refused(
        "another version of the protocol",
        with(beat, 4, Messages.VERSION + 1),
        Reason.UNKNOWN_VERSION);
    refused("the version before", with(beat, 4, Messages.VERSION - 1), Reason.UNKNOWN_VERSION);
    refused("a heartbeat sent again", beat, Reason.DUPLICATE);
    refused(
        "a heartbeat overtaken by a later one",
        heartbeat("a", 0, number - 1, 0),
        Reason.OUT_OF_ORDER);
    refused("from an executor that is lost", heartbeat("gone", 0, 0, 0), Reason.REMOVED);
    refused("a lost executor registers again", register("gone"), Reason.REMOVED);
    refused(
        "from an executor that was silent too long", heartbeat("silent", 0, 0, 0), Reason.EXPIRED);
    refused("from nobody we know", stranger(), Reason.UNKNOWN_EXECUTOR);
    refused("from an earlier registration", heartbeat("b", -1, 0, 0), Reason.STALE_SESSION);
    refused(
        "of an epoch before the one told", heartbeat("b", 0, number + 10, -1), Reason.STALE_EPOCH);
    refused("of an epoch that is not yet", heartbeat("b", 0, number + 10, 1), Reason.FUTURE_EPOCH);
    refused("10 MB of garbage", garbage(10_000_000), Reason.TOO_LARGE);
    refused("100 kB of garbage", garbage(100_000), Reason.MALFORMED);
    refused("nothing", new byte[0], Reason.MALFORMED);
    refused("a reply", Messages.encode(new Ack(1)), Reason.UNEXPECTED);
    refused("a heartbeat cut off", Arrays.copyOf(beat, beat.length - 1), Reason.MALFORMED);

    // All go on as if nothing had been; the gap of lost numbers costs one full heartbeat.
    CoordinatorState before = state();
    for (String id : new String[] {"a", "b", "c", "d"}) {
      beat(id);
    }
    assertThat(state().owners()).isEqualTo(before.owners());
    assertThat(state().holders()).isEqualTo(before.holders());
    assertThat(state().epoch()).isEqualTo(before.epoch());
  }

  private static byte[] with(byte[] message, int index, int value) {
    byte[] changed = message.clone();
    changed[index] = (byte) value;
    return changed;
  }

  private static byte[] register(String id) {
    return Messages.encode(new Register(id, "host-" + id, 4, 0));
  }

  private static byte[] stranger() {
    return Messages.encode(
        new Heartbeat("x", 1, 1, 1, false, ExecutorStats.ZERO, TileNames.of(7), TileNames.of(8)));
  }

  private static byte[] garbage(int length) {
    byte[] bytes = new byte[length];
    new Random(1).nextBytes(bytes);
    return bytes;
  }

  @Test
  void noBytesThrowOrChangeWhatTheyDoNotSay() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[][] real = {
      executor("a").next(stats("a")), register("gone"), stranger(), heartbeat("b", 0, 0, 0)
    };
    CoordinatorState before = state();
    int believed = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] message = i % 4 == 0 ? noise(random) : damaged(real, random);
      String what = "seed " + seed + ", message " + i;
      Message meant = decode(message);
      boolean takes =
          meant instanceof Register || meant instanceof Heartbeat || meant instanceof InitFailure;
      if (meant != null && takes && !isRefusable(meant)) {
        // The damage hit what no receiver can tell from truth: a counter, a name of a tile.
        believed++;
        continue;
      }
      Message reply = Messages.decode(coordinator.receive(message));
      assertThat(reply).as(what).isInstanceOf(Refused.class);
      if (i % 100 == 0) {
        assertThat(state()).as(what).isEqualTo(before);
      }
    }
    assertThat(state()).as("seed " + seed).isEqualTo(before);
    assertThat(believed).isLessThan(20_000);
    long counted = coordinator.stats().refused().values().stream().mapToLong(n -> n).sum();
    assertThat(counted).as("seed " + seed).isEqualTo(20_000 - believed);
  }

  /** Whether a whole message names a session, number or executor that the driver must not take. */
  private boolean isRefusable(Message message) {
    if (message instanceof Heartbeat m) {
      ExecutorReporter reporter = executors.get(m.executorId());
      if (reporter == null || m.executorId().equals("gone") || m.executorId().equals("silent")) {
        return true;
      }
      Heartbeat real = (Heartbeat) Messages.decode(reporter.next(stats("a")));
      return m.session() != real.session() || m.epoch() != real.epoch();
    }
    return message instanceof Register m && m.executorId().equals("gone");
  }

  private static @Nullable Message decode(byte[] message) {
    try {
      return Messages.decode(message);
    } catch (MessageException e) {
      return null;
    }
  }

  private static byte[] noise(Random random) {
    byte[] bytes = new byte[random.nextInt(300)];
    random.nextBytes(bytes);
    if (bytes.length >= Messages.HEADER_BYTES && random.nextBoolean()) {
      ByteBuffer.wrap(bytes)
          .putInt(Messages.MAGIC)
          .put(Messages.VERSION)
          .put((byte) (1 + random.nextInt(7)))
          .putInt(bytes.length - Messages.HEADER_BYTES);
    }
    return bytes;
  }

  private static byte[] damaged(byte[][] real, Random random) {
    byte[] bytes = real[random.nextInt(real.length)].clone();
    for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return bytes;
  }
}
