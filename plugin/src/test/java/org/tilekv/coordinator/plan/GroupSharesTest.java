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
package org.tilekv.coordinator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GroupSharesTest {

  @Test
  void theLastPieceOfACoreIsHalvedAgainAndAgain() {
    assertThat(GroupShares.weightsOfCore(0)).containsExactly(1);
    assertThat(GroupShares.weightsOfCore(127)).containsExactly(1);
    assertThat(GroupShares.weightsOfCore(128)).containsExactly(1, 1);
    assertThat(GroupShares.weightsOfCore(256)).containsExactly(2, 1, 1);
    assertThat(GroupShares.weightsOfCore(1_000)).containsExactly(4, 2, 1, 1);
    assertThat(GroupShares.weightsOfCore(5_000)).containsExactly(8, 4, 2, 1, 1);
    assertThat(GroupShares.weightsOfCore(20_001)).containsExactly(8, 8, 4, 2, 1, 1);
  }

  @Test
  void noGroupHasTooManyRowsOrTooFew() {
    Random random = new Random(4);
    for (int i = 0; i < 2_000; i++) {
      long rows = (long) Math.exp(random.nextDouble() * 16);
      int[] weights = GroupShares.weightsOfCore(rows);
      double rowsOfWeight = (double) rows / Arrays.stream(weights).sum();
      assertThat(weights[0] * rowsOfWeight).as("%d rows", rows).isLessThanOrEqualTo(10_000);
      if (weights.length > 1) {
        assertThat(weights[weights.length - 1] * rowsOfWeight)
            .as("%d rows", rows)
            .isGreaterThanOrEqualTo(64);
      }
      for (int group = 1; group < weights.length; group++) {
        assertThat(weights[group]).as("%d rows", rows).isLessThanOrEqualTo(weights[group - 1]);
      }
    }
  }

  @Test
  void executorsGetPartsByTheirCoresAndLargeGroupsFirst() {
    GroupShares shares = GroupShares.ofCores(new int[] {1, 2}, 900);
    assertThat(shares.executors()).containsExactly(0, 0, 0, 1, 1, 1, 1, 1, 1);
    assertThat(shares.weights()).containsExactly(2, 1, 1, 2, 2, 1, 1, 1, 1);
    assertThat(GroupShares.ofCores(new int[] {1, 2}, 10))
        .usingRecursiveComparison()
        .isEqualTo(GroupShares.equal(1, 2));
    assertThat(IntStream.of(GroupShares.equal(2, 0, 1).executors())).containsExactly(0, 0, 2);
  }

  @Test
  void aWeightIsAtLeastOne() {
    assertThatThrownBy(() -> new GroupShares(new int[] {0, 1}, new int[] {1, 0}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[1, 0]");
  }
}
