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

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TopLogitsTest {
  private static final long SEED = 7;

  @Test
  void agreesWithASort() {
    Random random = new Random(SEED);
    TopLogits top = new TopLogits();
    for (int round = 0; round < 300; round++) {
      int offset = random.nextInt(5);
      int count = 1 + random.nextInt(200);
      int k = 1 + random.nextInt(40);
      float[] logits = new float[offset + count];
      for (int i = 0; i < logits.length; i++) {
        // Few distinct values, so that ties are common.
        logits[i] = random.nextInt(30) - 15;
      }
      List<Integer> expected =
          IntStream.range(0, count)
              .boxed()
              .sorted(Comparator.comparing(i -> -logits[offset + i]))
              .limit(k)
              .toList();
      int kept = top.select(logits, offset, count, k);
      assertThat(IntStream.range(0, kept).mapToObj(top::token))
          .as("seed %d, round %d", SEED, round)
          .containsExactlyElementsOf(expected);
      assertThat(top.logit(0)).isEqualTo(logits[offset + expected.get(0)]);
    }
  }

  @Test
  void leavesNaNOut() {
    TopLogits top = new TopLogits();
    float nan = Float.NaN;
    assertThat(top.select(new float[] {nan, 1, nan, 3, nan, 2}, 0, 6, 4)).isEqualTo(3);
    assertThat(IntStream.range(0, 3).map(top::token)).containsExactly(3, 5, 1);
  }
}
