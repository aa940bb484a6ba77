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
package org.tilekv.llm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LineTokenCacheTest {

  private final LineTokenCache cache = new LineTokenCache(1 << 16);
  private int encoded;

  private int[] encode(String line) {
    encoded++;
    return new int[] {line.length(), line.hashCode()};
  }

  private int @Nullable [] get(String line) {
    return cache.get(line, this::encode);
  }

  @Test
  void aLineIsEncodedWhenItComesAgainAndOnlyThen() {
    assertThat(get("line")).isNull();
    assertThat(encoded).isZero();
    int[] tokens = get("line");
    assertThat(tokens).containsExactly(encode("line"));
    assertThat(get("line")).isSameAs(tokens);
    assertThat(encoded).isEqualTo(2);
  }

  @Test
  void aLineThatComesAgainStaysAndOthersGo() {
    get("kept");
    int[] tokens = get("kept");
    for (int i = 0; i < 10_000; i++) {
      assertThat(get("kept")).isSameAs(tokens);
      get("line " + i);
      get("line " + i);
      assertThat(cache.bytes()).isBetween(1L, (1L << 16) + 200);
    }
    assertThat(encoded).isEqualTo(10_001);
    get("line 9999");
    assertThat(encoded).isEqualTo(10_001);
    get("line 0");
    assertThat(encoded).isEqualTo(10_002);
  }

  @Test
  void linesThatComeOnceTakeNoPlace() {
    for (int i = 0; i < 1_000; i++) {
      assertThat(get("line " + i)).isNull();
    }
    assertThat(cache.bytes()).isZero();
  }

  @Test
  void aLineOfMoreThanAnEighthOfAGenerationIsNotKept() {
    String line = "long".repeat(1_000);
    get(line);
    assertThat(get(line)).containsExactly(encode(line));
    assertThat(cache.bytes()).isZero();
  }

  @Test
  void whatIsFoundIsWhatWasEncoded() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      String line = "line " + random.nextInt(random.nextBoolean() ? 20 : 2_000);
      int[] tokens = get(line);
      if (tokens != null) {
        assertThat(tokens).as("seed %d", seed).containsExactly(line.length(), line.hashCode());
      }
    }
    assertThat(encoded).as("seed %d", seed).isBetween(1_000, 12_000);
  }
}
