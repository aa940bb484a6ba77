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
package org.tilekv.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class HeadRangeTest {

  @Test
  void rangesCoverAllHeadsOnceAndEvenly() {
    for (int heads = 1; heads <= 20; heads++) {
      for (int shards = 1; shards <= heads; shards++) {
        int next = 0;
        for (int i = 0; i < shards; i++) {
          HeadRange range = HeadRange.of(heads, shards, i);
          assertThat(range.first()).isEqualTo(next);
          assertThat(range.count()).isBetween(heads / shards, (heads + shards - 1) / shards);
          next += range.count();
        }
        assertThat(next).isEqualTo(heads);
      }
    }
  }

  @Test
  void moreShardsThanHeadsAreRefused() {
    assertThatThrownBy(() -> HeadRange.of(4, 5, 0))
        .hasMessage("headShards is 5; allowed are 1 to the model's 4 KV heads");
    assertThatThrownBy(() -> HeadRange.of(4, 2, 2)).hasMessage("head range 2; allowed are 0 to 1");
  }
}
