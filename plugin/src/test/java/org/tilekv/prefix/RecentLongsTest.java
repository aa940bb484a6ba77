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
package org.tilekv.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A bounded memory. */
class RecentLongsTest {

  private static final long NONE = -1;

  private final RecentLongs entries = new RecentLongs(4);

  private void put(long... keys) {
    for (long key : keys) {
      entries.put(key, 10 * key);
    }
  }

  @Test
  void theOldestKeyIsForgotten() {
    put(1, 2, 3, 4, 5);
    assertThat(entries.contains(1)).isFalse();
    for (long key = 2; key <= 5; key++) {
      assertThat(entries.contains(key)).isTrue();
      assertThat(entries.get(key, NONE)).isEqualTo(10 * key);
    }
  }

  @Test
  void aKeyAddedAgainIsYoungAndHasItsNewValue() {
    put(1, 2, 3, 4);
    entries.put(1, 7);
    put(5);
    assertThat(entries.get(1, NONE)).isEqualTo(7);
    assertThat(entries.contains(2)).isFalse();
    assertThat(entries.contains(3)).isTrue();
  }

  @Test
  void aKeyIsRemovedOnce() {
    put(1, 2, 3);
    entries.remove(3);
    entries.remove(3);
    assertThat(entries.get(3, NONE)).isEqualTo(NONE);
    assertThat(entries.contains(1)).isTrue();
  }

  @Test
  void anyLongIsAKey() {
    for (long key : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertThat(entries.contains(key)).isFalse();
      entries.put(key, 5);
      assertThat(entries.get(key, NONE)).isEqualTo(5);
      entries.remove(key);
      assertThat(entries.contains(key)).isFalse();
    }
  }

  @Test
  void lengthsArePowersOfTwo() {
    for (int mostPuts : new int[] {0, 6, Integer.MIN_VALUE}) {
      assertThatThrownBy(() -> new RecentLongs(mostPuts))
          .hasMessage("mostPuts is " + mostPuts + "; it must be a power of two");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 64, 1 << 10})
  void behavesLikeAPlainModel(int mostPuts) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    RecentLongs recent = new RecentLongs(mostPuts);
    Map<Long, Long> numbers = new HashMap<>();
    long puts = 0;
    for (int i = 0; i < 20 * mostPuts + 100; i++) {
      long key = random.nextInt(2 * mostPuts) * 0x1_0000_0001L;
      if (random.nextInt(4) == 0) {
        recent.remove(key);
        numbers.remove(key);
      } else {
        recent.put(key, puts);
        numbers.put(key, puts++);
      }
      long other = random.nextInt(2 * mostPuts) * 0x1_0000_0001L;
      long number = numbers.getOrDefault(other, NONE);
      long expected = number >= puts - mostPuts ? number : NONE;
      assertThat(recent.get(other, NONE)).as("seed %d, step %d", seed, i).isEqualTo(expected);
      assertThat(recent.contains(other)).as("seed %d, step %d", seed, i).isEqualTo(expected >= 0);
    }
  }
}
