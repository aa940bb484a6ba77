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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.BatchPlan;
import org.tilekv.prefix.Namespace;
import org.tilekv.prefix.TileName;

/** Plans of rows in a known order. */
class StaticPlanTest {

  private static final Namespace NAMESPACE = Namespace.builder().build();

  @Test
  void saysWhichRowsUseAPrefix() {
    int[][] prompts = {{1, 2, 3, 4}, {1, 2, 9}, {1}, {}, {1, 2, 3, 4, 5}};
    BatchPlan plan = StaticPlan.of(NAMESPACE, "s", prompts, 2);
    TileName first = TileName.root(NAMESPACE, "s").child(prompts[0], 0, 2);
    assertThat(plan.tileNames())
        .containsExactly(
            first.chain().shortName(), first.child(prompts[0], 2, 2).chain().shortName());
    assertThat(plan.usesByTile()).isDeepEqualTo(new int[][] {{0, 1, 4}, {0, 4}});
  }

  @Test
  void isWhatNamingEveryPromptByItselfGives() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      int tileTokens = 1 + random.nextInt(3);
      int[][] prompts = new int[random.nextInt(12)][];
      Arrays.setAll(prompts, row -> random.ints(random.nextInt(9), 0, 2).toArray());
      BatchPlan plan = StaticPlan.of(NAMESPACE, null, prompts, tileTokens);
      Map<Long, List<Integer>> expected = new HashMap<>();
      for (int row = 0; row < prompts.length; row++) {
        TileName name = TileName.root(NAMESPACE, null);
        for (int at = 0; at + tileTokens <= prompts[row].length; at += tileTokens) {
          name = name.child(prompts[row], at, tileTokens);
          expected.computeIfAbsent(name.chain().shortName(), key -> new ArrayList<>()).add(row);
        }
      }
      assertThat(byName(plan)).as("seed %d, round %d", seed, round).isEqualTo(expected);
    }
  }

  private static Map<Long, List<Integer>> byName(BatchPlan plan) {
    Map<Long, List<Integer>> uses = new HashMap<>();
    for (int tile = 0; tile < plan.tiles(); tile++) {
      uses.put(plan.tileName(tile), Arrays.stream(plan.usesByTile()[tile]).boxed().toList());
    }
    return uses;
  }

  @Test
  void refusesTilesOfNoTokens() {
    assertThatThrownBy(() -> StaticPlan.of(NAMESPACE, null, new int[0][], 0))
        .hasMessage("tileTokens is 0; at least 1 is needed");
  }
}
