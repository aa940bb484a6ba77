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

import org.junit.jupiter.api.Test;

class FetchCostTest {

  private final FetchCost cost = new FetchCost();

  @Test
  void latencyMakesShortPrefixesNotWorthIt() {
    assertThat(cost.isWorth(1, 1000)).isFalse();
    assertThat(cost.isWorth(100, 100_000)).isTrue();
  }

  @Test
  void aFastModelComputesInstead() {
    assertThat(cost.isWorth(1000, 10_000_000)).isTrue();
    cost.computed(10_000, 10_000_000);
    assertThat(cost.isWorth(1000, 10_000_000)).isFalse();
  }

  @Test
  void aSlowLinkComputesInsteadUntilItIsFasterAgain() {
    for (int i = 0; i < 30; i++) {
      cost.fetched(4 << 20, 4_000_000_000L);
    }
    assertThat(cost.isWorth(1000, 10_000_000)).isFalse();
    for (int i = 0; i < 30; i++) {
      cost.fetched(4 << 20, 4_000_000);
    }
    assertThat(cost.isWorth(1000, 10_000_000)).isTrue();
  }

  @Test
  void fetchingComesBackAfterAHiccup() {
    for (long bytes : new long[] {1 << 10, 4 << 20}) {
      for (int i = 0; i < 30; i++) {
        cost.fetched(bytes, 4_000_000_000L);
      }
      assertThat(cost.isWorth(1000, 10_000_000)).isFalse();
      int refusals = 0;
      while (!cost.isWorth(1000, 10_000_000)) {
        assertThat(++refusals).as("after fetches of %d bytes", bytes).isLessThan(1000);
      }
    }
  }
}
