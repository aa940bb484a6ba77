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

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HostTierTest {

  @Test
  void groupsComeBackWholeAndTheOldestGo() {
    try (HostTier tier = tier(4)) {
      assertThat(tier.groupBytes()).isEqualTo(Groups.BYTES);
      for (int i = 0; i < 300; i++) {
        assertThat(Groups.put(tier, i)).isTrue();
        assertThat(Groups.get(tier, i)).isTrue();
        assertThat(Groups.get(tier, i - 4)).isFalse();
        assertThat(tier.contains(Groups.key(i))).isTrue();
      }
      assertThat(Groups.get(tier, 296)).isTrue();
      assertThat(tier.remove(Groups.key(296))).isTrue();
      assertThat(Groups.get(tier, 296)).isFalse();
      assertThat(tier.stats().residentGroups()).isEqualTo(3);
      Groups.checkKeys(tier, 300, "after many");
      assertThat(tier.stats().capacityBytes()).isEqualTo(4L * Groups.BYTES);
      tier.checkIntegrity();
    }
  }

  @Test
  void aClosedTierMisses() {
    HostTier tier = tier(4);
    Groups.put(tier, 1);
    tier.close();
    tier.close();
    assertThat(Groups.put(tier, 1)).isFalse();
    assertThat(Groups.get(tier, 1)).isFalse();
    assertThat(tier.contains(Groups.key(1))).isFalse();
    assertThat(tier.fill(Groups.meta(1), Groups.bytes(1))).isFalse();
    assertThat(Groups.peek(tier, 1)).isFalse();
    assertThat(tier.keys()).isEmpty();
    assertThat(tier.describe(Groups.key(1))).isNull();
  }

  @Test
  void aTierWithoutRoomRefuses() {
    try (HostTier tier = tier(0)) {
      assertThat(Groups.put(tier, 1)).isFalse();
    }
  }

  @Test
  void aFullTierIsNotFilled() {
    try (HostTier tier = tier(4)) {
      for (int i = 0; i < 4; i++) {
        assertThat(tier.fill(Groups.meta(i), Groups.bytes(i))).isTrue();
      }
      assertThat(tier.fill(Groups.meta(4), Groups.bytes(4))).isFalse();
      assertThat(tier.fill(Groups.meta(0), Groups.bytes(0))).as("there already").isTrue();
      assertThat(Groups.peek(tier, 0)).isTrue();
      Groups.put(tier, 5);
      assertThat(tier.contains(Groups.key(0))).as("a peek is no use").isFalse();
      assertThat(tier.stats().evictions()).isEqualTo(1);
    }
  }

  /** Old entries are pruned while groups are put; what is there can be read all the same. */
  @Test
  void aGroupThatIsThereCanBeRead() {
    int threads = 4;
    try (HostTier tier = tier(16)) {
      for (int round = 0; round < 50; round++) {
        int first = round * 4000;
        IntStream.range(0, threads)
            .parallel()
            .forEach(
                thread -> {
                  for (int i = thread; i < 1000; i += threads) {
                    assertThat(Groups.put(tier, first + i)).isTrue();
                  }
                });
        for (int i = 0; i < 1000; i++) {
          assertThat(Groups.get(tier, first + i))
              .as("round %d, group %d", round, i)
              .isEqualTo(tier.contains(Groups.key(first + i)));
        }
        assertThat(tier.stats().residentGroups()).isEqualTo(16);
      }
      tier.checkIntegrity();
    }
  }

  private static HostTier tier(int groups) {
    return HostTier.create(
        Groups.GEOMETRY,
        Groups.GEOMETRY.kvHeads(),
        (long) groups * Groups.BYTES,
        DirectAllocator.DIRECT);
  }
}
