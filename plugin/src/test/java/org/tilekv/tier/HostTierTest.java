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
  }

  @Test
  void aTierWithoutRoomRefuses() {
    try (HostTier tier = tier(0)) {
      assertThat(Groups.put(tier, 1)).isFalse();
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
