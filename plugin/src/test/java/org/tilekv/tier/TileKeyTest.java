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
package org.tilekv.tier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TileKeyTest {

  @Test
  void hashComesBackAsItWas() {
    byte[] hash = Tiles.bytes(32, 1);
    TileKey key = TileKey.of(hash, 3);
    assertThat(key.chainHash()).isEqualTo(hash);
    assertThat(key).isEqualTo(TileKey.of(hash.clone(), 3)).isNotEqualTo(TileKey.of(hash, 4));
    assertThat(key.toString()).hasSize(64 + 2).endsWith("/3");
  }

  @Test
  void hashOfAnotherLengthIsRefused() {
    assertThatThrownBy(() -> TileKey.of(new byte[20], 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("20")
        .hasMessageContaining("32");
  }

  @Test
  void countersSpreadOverBuckets() {
    Set<Integer> buckets = new HashSet<>();
    for (int id = 0; id < 1 << 12; id++) {
      buckets.add(TileKey.of(id, id % 8).hashCode() & 0xfff);
    }
    // A random function fills 1 - 1/e of its buckets.
    assertThat(buckets).hasSizeGreaterThan(2400);
  }
}
