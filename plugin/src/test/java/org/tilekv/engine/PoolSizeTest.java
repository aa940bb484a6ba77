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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;

class PoolSizeTest {
  // 2 layers x (K, V) x 8 tokens x 4 elements x 4 bytes = 512 bytes
  private static final TileGeometry GEOMETRY = new TileGeometry(2, 3, 4, 8, KvDtype.FLOAT32);

  @Test
  void roundsDownToWholePages() {
    assertThat(PoolSize.pages(GEOMETRY, 10 * 512 + 511, 1 << 20)).isEqualTo(10);
    assertThat(PoolSize.pages(GEOMETRY, 3 * 512, 1 << 20)).isEqualTo(3);
  }

  @Test
  void refusesPoolsThatHoldNothing() {
    assertThatThrownBy(() -> PoolSize.pages(GEOMETRY, 3 * 512 - 1, 1 << 20))
        .isInstanceOf(TileKvException.class)
        .hasMessage(
            "a pool of 1535 bytes holds 2 pages of 512 bytes; a sequence needs one page for each"
                + " of 3 KV heads, so at least 1536 bytes");
  }

  @Test
  void refusesPoolsLargerThanTheHeap() {
    assertThatThrownBy(() -> PoolSize.pages(GEOMETRY, 2 << 20, 1 << 20))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("2097152 bytes does not fit into a heap of at most 1048576 bytes");
  }
}
