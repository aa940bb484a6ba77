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

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DistinctPositionsTest {

  @Test
  void countsTrieNodes() {
    DistinctPositions positions = new DistinctPositions();
    assertThat(positions.add(new int[] {1, 2, 3}, 0)).isEqualTo(3);
    assertThat(positions.add(new int[] {1, 2, 4, 3}, 0)).isEqualTo(2);
    assertThat(positions.add(new int[] {1, 2, 3}, 0)).isZero();
    assertThat(positions.add(new int[] {1, 2, 3}, 5)).isEqualTo(3);
    assertThat(positions.add(new int[] {0, 0, 0}, 0)).isEqualTo(3);
  }

  @Test
  void agreesWithASetOfPrefixes() {
    long seed = 3;
    Random random = new Random(seed);
    DistinctPositions positions = new DistinctPositions();
    Set<List<Integer>> prefixes = new HashSet<>();
    for (int round = 0; round < 2000; round++) {
      int[] prompt = random.ints(1 + random.nextInt(12), 0, 3).toArray();
      int before = prefixes.size();
      for (int length = 1; length <= prompt.length; length++) {
        prefixes.add(Arrays.stream(prompt, 0, length).boxed().toList());
      }
      assertThat(positions.add(prompt, 0))
          .as("seed %d, round %d", seed, round)
          .isEqualTo(prefixes.size() - before);
    }
  }
}
