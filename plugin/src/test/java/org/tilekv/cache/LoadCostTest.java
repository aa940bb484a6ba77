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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LoadCostTest {

  private static final int GROUP_BYTES = 1 << 20;

  /** Reads a group in 0.1 ms, which takes 1.6 ms to compute. */
  private static LoadCost cost(double firstNsPerByte) {
    LoadCost cost = new LoadCost(GROUP_BYTES, 16, firstNsPerByte);
    cost.computed(1000, 100_000_000);
    return cost;
  }

  private static int refusals(LoadCost cost) {
    int refusals = 0;
    while (!cost.loadIsCheaper(10, 0)) {
      assertThat(++refusals).as("loading never comes back").isLessThan(1000);
    }
    return refusals;
  }

  @Test
  void loadingComesBackAfterAHiccup() {
    for (double first : new double[] {0, 0.1}) {
      LoadCost cost = cost(first);
      for (int read = 0; read < 8; read++) {
        cost.read(GROUP_BYTES, 1_000_000_000);
      }
      assertThat(refusals(cost)).as("first estimate %f", first).isBetween(100, 600);
    }
  }

  @Test
  void aDiskThatStaysSlowIsRarelyAsked() {
    LoadCost cost = cost(0.1);
    int reads = 0;
    for (int request = 0; request < 10_000; request++) {
      if (cost.loadIsCheaper(10, 0)) {
        reads++;
        for (int tile = 0; tile < 10; tile++) {
          cost.read(GROUP_BYTES, 16_000_000);
        }
      }
    }
    assertThat(reads).isBetween(10, 200);
  }

  @Test
  void aFirstEstimateThatIsTooSlowStays() {
    LoadCost cost = cost(10);
    for (int request = 0; request < 1000; request++) {
      assertThat(cost.loadIsCheaper(10, 0)).isFalse();
    }
  }
}
