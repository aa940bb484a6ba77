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
package org.tilekv.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PhiloxTest {

  /** Known answers published with the algorithm's reference implementation. */
  @Test
  void matchesKnownAnswers() {
    assertBlock(new int[] {0, 0, 0, 0}, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assertBlock(new int[] {-1, -1, -1, -1}, -1, -1, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    assertBlock(
        new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
        0xa4093822,
        0x299f31d0,
        0xd16cfe09,
        0x94fdcceb,
        0x5001e420,
        0x24126ea1);
  }

  private static void assertBlock(int[] block, int key0, int key1, int... expected) {
    Philox.encrypt(block, key0, key1);
    assertThat(block).containsExactly(expected);
  }

  @Test
  void uniformNumbersDependOnSeedRowAndPosition() {
    Set<Double> seen = new HashSet<>();
    double sum = 0;
    for (int seed = 0; seed < 10; seed++) {
      for (int row = 0; row < 20; row++) {
        for (int position = 0; position < 50; position++) {
          double number = Philox.uniform(seed, row, position);
          assertThat(number).isBetween(0.0, Math.nextDown(1.0));
          seen.add(number);
          sum += number;
        }
      }
    }
    assertThat(seen).hasSize(10_000);
    assertThat(sum / 10_000).isBetween(0.49, 0.51);
  }
}
