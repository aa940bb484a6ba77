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

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tilekv.config.TileKvConfig;
import org.tilekv.coordinator.ExecutorReporter.Next;

/** Both halves of the protocol against each other. */
class ExecutorReporterTest {

  private final long[] nowMs = {0};
  private final Coordinator coordinator = new Coordinator(TileKvConfig.defaults(), () -> nowMs[0]);
  private final ExecutorReporter reporter =
      new ExecutorReporter(new Register("7", "host", 2, 1 << 20));

  @Test
  void registersThenReports() {
    assertThat(exchange()).isEqualTo(Next.AT_ONCE);
    reporter.published(1);
    assertThat(exchange()).isEqualTo(Next.AT_INTERVAL);
    reporter.dropped(1);
    reporter.published(2);
    assertThat(exchange()).isEqualTo(Next.AT_INTERVAL);
    assertThat(coordinator.holders(1)).isEmpty();
    assertThat(coordinator.holders(2)).containsExactly("7");
    assertThat(reporter.epoch()).isEqualTo(coordinator.epoch());
  }

  @Test
  void lostHeartbeatIsMadeGoodByAFullOne() {
    exchange();
    exchange();
    reporter.published(1);
    reporter.next(ExecutorStats.ZERO);
    reporter.published(2);
    assertThat(exchange()).isEqualTo(Next.AT_ONCE);
    assertThat(coordinator.holders(1)).isEmpty();
    assertThat(exchange()).isEqualTo(Next.AT_INTERVAL);
    assertThat(coordinator.holders(1)).containsExactly("7");
    assertThat(coordinator.holders(2)).containsExactly("7");
  }

  @Test
  void expiredExecutorRegistersAgain() {
    exchange();
    reporter.published(1);
    exchange();
    nowMs[0] += 1_000_000;
    coordinator.tick();
    assertThat(exchange()).isEqualTo(Next.AT_INTERVAL);
    assertThat(exchange()).isEqualTo(Next.AT_ONCE);
    assertThat(exchange()).isEqualTo(Next.AT_INTERVAL);
    assertThat(coordinator.holders(1)).containsExactly("7");
    assertThat(coordinator.stats().aliveExecutors()).isEqualTo(1);
  }

  @Test
  void removedExecutorStops() {
    exchange();
    coordinator.executorLost("7");
    assertThat(exchange()).isEqualTo(Next.NEVER);
  }

  @Test
  void garbageAnswerIsIgnored() {
    assertThat(reporter.answered(new byte[3])).isEqualTo(Next.AT_INTERVAL);
    assertThat(exchange()).isEqualTo(Next.AT_ONCE);
  }

  @Test
  void moreTilesThanAMessageHoldsKeepTheLatest() {
    exchange();
    int count = 3 * TileNames.MAX;
    for (int name = 0; name < count; name++) {
      reporter.published(name);
      if (name == TileNames.MAX) {
        exchange();
      }
    }
    exchange();
    assertThat(coordinator.holders(0)).isEmpty();
    assertThat(coordinator.holders(count - TileNames.MAX - 1)).isEmpty();
    assertThat(coordinator.holders(count - TileNames.MAX)).containsExactly("7");
    assertThat(coordinator.holders(count - 1)).containsExactly("7");
  }

  @Test
  void directoryCatchesUpOverALossyLink() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Set<Long> held = new HashSet<>();
    List<byte[]> seen = new ArrayList<>();
    for (int step = 0; step < 3_000; step++) {
      long name = random.nextInt(200);
      if (random.nextBoolean()) {
        held.add(name);
        reporter.published(name);
      } else {
        held.remove(name);
        reporter.dropped(name);
      }
      disturb(random, seen);
    }
    for (int i = 0; i < 6; i++) {
      exchange();
    }
    for (long name = 0; name < 200; name++) {
      assertThat(coordinator.holders(name))
          .as("seed %d, tile %d", seed, name)
          .isEqualTo(held.contains(name) ? List.of("7") : List.of());
    }
    assertThat(coordinator.stats().refused()).doesNotContainKey(Refused.Reason.MALFORMED);
  }

  /** Sends, loses the message or the answer, replays an old message, or lets time pass. */
  private void disturb(Random random, List<byte[]> seen) {
    switch (random.nextInt(8)) {
      case 0 -> reporter.next(ExecutorStats.ZERO);
      case 1 -> coordinator.receive(reporter.next(ExecutorStats.ZERO));
      case 2 -> seen.add(reporter.next(ExecutorStats.ZERO));
      case 3 -> {
        // An old registration opens a new session, as that of a slow executor would.
        if (!seen.isEmpty()) {
          coordinator.receive(seen.get(random.nextInt(seen.size())));
        }
      }
      case 4 -> {
        nowMs[0] += 20_000;
        coordinator.tick();
      }
      default -> exchange();
    }
  }

  private Next exchange() {
    return reporter.answered(coordinator.receive(reporter.next(ExecutorStats.ZERO)));
  }
}
