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
package org.tilekv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every stride of a tile. */
class TileGeometryTest {

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void everyElementHasItsOwnPlaceInTheDocumentedOrder(KvDtype dtype) {
    TileGeometry geometry = new TileGeometry(3, 2, 5, 4, dtype);
    int next = 0;
    for (int layer = 0; layer < 3; layer++) {
      for (int slot = 0; slot < 4; slot++, next += 5) {
        assertThat(geometry.keyOffset(layer, slot)).isEqualTo(next);
      }
      for (int slot = 0; slot < 4; slot++, next += 5) {
        assertThat(geometry.valueOffset(layer, slot)).isEqualTo(next);
      }
      assertThat(geometry.layerStride()).isEqualTo(40);
    }
    assertThat(geometry.valueElements()).isEqualTo(next).isEqualTo(120);
    int scaleBytes = dtype == KvDtype.INT8 ? 3 * 2 * 4 * Float.BYTES : 0;
    assertThat(geometry.tileElements()).isEqualTo(120 + scaleBytes);
    assertThat(geometry.tileBytes()).isEqualTo(120 * dtype.bytes() + scaleBytes);
  }

  @Test
  void theScalesOfInt8FollowTheValues() {
    TileGeometry geometry = new TileGeometry(3, 1, 5, 4, KvDtype.INT8);
    BitSet taken = new BitSet();
    for (int layer = 0; layer < 3; layer++) {
      for (int slot = 0; slot < 4; slot++) {
        taken.set(geometry.keyScaleOffset(layer, slot));
        taken.set(geometry.valueScaleOffset(layer, slot));
      }
    }
    assertThat(taken.cardinality()).isEqualTo(24);
    assertThat(taken.nextSetBit(0)).isEqualTo(geometry.valueElements());
    assertThat(taken.length() - 1 + Float.BYTES).isEqualTo(geometry.tileElements());
    assertThat(taken.stream().allMatch(offset -> offset % Float.BYTES == 0)).isTrue();
  }

  @Test
  void positionsFallIntoTilesAndSlots() {
    TileGeometry geometry = new TileGeometry(1, 1, 1, 16, KvDtype.FLOAT32);
    assertThat(geometry.tilesFor(0)).isZero();
    assertThat(geometry.tilesFor(1)).isEqualTo(1);
    assertThat(geometry.tilesFor(16)).isEqualTo(1);
    assertThat(geometry.tilesFor(17)).isEqualTo(2);
    assertThat(geometry.tileOf(15)).isZero();
    assertThat(geometry.tileOf(16)).isEqualTo(1);
    assertThat(geometry.slotOf(15)).isEqualTo(15);
    assertThat(geometry.slotOf(16)).isZero();
  }

  @Test
  void theLargestTileIsStillCountedInAnInt() {
    TileGeometry geometry = new TileGeometry(1 << 17, 1, 1, 1 << 10, KvDtype.INT8);
    assertThat(geometry.tileElements()).isEqualTo((1 << 28) + (1 << 30));
    assertThat(geometry.tileBytes()).isEqualTo((1 << 28) + (1 << 30));
    assertThatThrownBy(() -> new TileGeometry((1 << 17) + 1, 1, 1, 1 << 10, KvDtype.INT8))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("elements; allowed are 268435456");
  }

  @Test
  void aShapeWhoseProductOverflowsIsRefused() {
    // 2^65 elements, which a long counts as none.
    assertThatThrownBy(() -> new TileGeometry(1 << 30, 1, 1 << 28, 64, KvDtype.FLOAT32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "a tile has 137438953472 K and V vectors of 268435456 elements; allowed are 268435456"
                + " elements");
    assertThatThrownBy(() -> new TileGeometry(1 << 27, 1, Integer.MAX_VALUE, 1, KvDtype.FLOAT32))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aWrongShapeIsRefusedByName() {
    assertThatThrownBy(() -> new TileGeometry(0, 1, 1, 1, KvDtype.INT8))
        .hasMessage("layers is 0; it must be at least 1");
    assertThatThrownBy(() -> new TileGeometry(1, -1, 1, 1, KvDtype.INT8))
        .hasMessage("kvHeads is -1; it must be at least 1");
    assertThatThrownBy(() -> new TileGeometry(1, 1, 0, 1, KvDtype.INT8))
        .hasMessage("headDim is 0; it must be at least 1");
    for (int tokens : new int[] {-16, 0, 12, 2048}) {
      assertThatThrownBy(() -> new TileGeometry(1, 1, 1, tokens, KvDtype.INT8))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("tileTokens is " + tokens + "; allowed are powers of two from 1 to 1024");
    }
  }
}
