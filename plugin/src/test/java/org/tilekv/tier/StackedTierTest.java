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
package org.tilekv.tier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StackedTierTest {

  private final HostTier upper = tier(4);
  private final HostTier lower = tier(12);
  private final Later later = new Later();
  private final StackedTier tier = new StackedTier(upper, lower, later);

  @AfterEach
  void close() {
    tier.close();
  }

  private static HostTier tier(int groups) {
    return HostTier.create(
        Groups.GEOMETRY,
        Groups.GEOMETRY.kvHeads(),
        (long) groups * Groups.BYTES,
        DirectAllocator.DIRECT);
  }

  /** Runs what it is given when it is told to. */
  private static final class Later extends AbstractExecutorService {
    private final List<Runnable> tasks = new ArrayList<>();
    private boolean down;

    void runAll() {
      List<Runnable> now = List.copyOf(tasks);
      tasks.clear();
      now.forEach(Runnable::run);
    }

    @Override
    public void execute(Runnable task) {
      tasks.add(task);
    }

    @Override
    public void shutdown() {
      down = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
      return tasks;
    }

    @Override
    public boolean isShutdown() {
      return down;
    }

    @Override
    public boolean isTerminated() {
      return down;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return true;
    }
  }

  /** Reads as a load does; fails unless it is a miss or exactly the group. */
  private boolean read(int i) {
    try (LowerTier.HeldGroup held = tier.hold(Groups.key(i))) {
      if (held == null) {
        return Groups.get(tier, i);
      }
      assertThat(held.meta().key()).isEqualTo(Groups.key(i));
      ByteBuffer got = ByteBuffer.allocate(Groups.BYTES);
      got.put(held.bytes());
      assertThat(got.flip()).isEqualTo(Groups.bytes(i));
      return true;
    }
  }

  @Test
  void groupsThatLeaveTheUpperTierComeFromTheLowerOneAndRise() {
    for (int i = 0; i < 8; i++) {
      assertThat(Groups.put(tier, i)).isTrue();
    }
    assertThat(upper.contains(Groups.key(0))).isFalse();
    assertThat(tier.contains(Groups.key(0))).isTrue();
    assertThat(read(0)).isTrue();
    assertThat(upper.contains(Groups.key(0))).isTrue();
    assertThat(Groups.get(tier, 1)).isTrue();
    assertThat(upper.contains(Groups.key(1))).isTrue();
  }

  @Test
  void peeksMoveNothingAndFillsEvictNothing() {
    for (int i = 0; i < 8; i++) {
      Groups.put(tier, i);
    }
    List<GroupKey> above = upper.keys();
    for (int i = 0; i < 8; i++) {
      assertThat(Groups.peek(tier, i)).isTrue();
    }
    assertThat(upper.keys()).containsExactlyInAnyOrderElementsOf(above);
    assertThat(later.tasks).isEmpty();
    int filled = 0;
    while (tier.fill(Groups.meta(100 + filled), Groups.bytes(100 + filled))) {
      filled++;
    }
    assertThat(filled).as("room below alone").isEqualTo(12 - 8);
    assertThat(upper.keys()).containsExactlyInAnyOrderElementsOf(above);
    assertThat(tier.keys()).hasSize(12);
  }

  @Test
  void aGroupThatIsReadAboveIsKeptBelow() {
    Groups.put(tier, 1);
    lower.remove(Groups.key(1));
    assertThat(read(1)).isTrue();
    assertThat(read(1)).isTrue();
    assertThat(later.tasks).hasSize(1);
    later.runAll();
    assertThat(lower.contains(Groups.key(1))).isTrue();
    for (int i = 2; i < 7; i++) {
      Groups.put(tier, i);
    }
    assertThat(upper.contains(Groups.key(1))).isFalse();
    assertThat(read(1)).isTrue();
    assertThat(later.tasks).isEmpty();
  }

  @Test
  void whatIsHeldStaysWhateverHappensToItsKey() {
    Groups.put(tier, 1);
    LowerTier.HeldGroup held = Objects.requireNonNull(tier.hold(Groups.key(1)));
    tier.remove(Groups.key(1));
    for (int i = 2; i < 40; i++) {
      Groups.put(tier, i);
    }
    assertThat(tier.contains(Groups.key(1))).isFalse();
    ByteBuffer got = ByteBuffer.allocate(Groups.BYTES);
    got.put(held.bytes());
    assertThat(got.flip()).isEqualTo(Groups.bytes(1));
    held.close();
    held.close();
    upper.checkIntegrity();
  }

  @Test
  void randomCallsGiveWholeGroupsOrMisses() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int call = 0; call < 3000; call++) {
      int i = random.nextInt(24);
      boolean there = tier.contains(Groups.key(i));
      String what = "seed " + seed + ", call " + call;
      switch (random.nextInt(5)) {
        case 0, 1 -> assertThat(Groups.put(tier, i)).as(what).isTrue();
        case 2 -> assertThat(read(i)).as(what).isEqualTo(there);
        case 3 -> assertThat(Groups.get(tier, i)).as(what).isEqualTo(there);
        default -> {
          later.runAll();
          if (random.nextInt(10) == 0) {
            assertThat(tier.remove(Groups.key(i))).as(what).isEqualTo(there);
          }
        }
      }
      assertThat(later.tasks.size()).as(what).isLessThanOrEqualTo(64);
      Groups.checkKeys(tier, 24, what);
    }
    upper.checkIntegrity();
    lower.checkIntegrity();
    LowerTierStats both = tier.stats();
    assertThat(both.residentGroups())
        .isEqualTo(upper.stats().residentGroups() + lower.stats().residentGroups());
    assertThat(both.capacityBytes()).isEqualTo(16L * Groups.BYTES);
  }

  @Test
  void groupsHaveOneSize() {
    HostTier other =
        HostTier.create(Groups.GEOMETRY, Groups.GEOMETRY.kvHeads() + 1, 0, DirectAllocator.DIRECT);
    assertThatThrownBy(() -> new StackedTier(upper, other, later))
        .hasMessageContaining("groups have " + Groups.BYTES);
    other.close();
  }
}
