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

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Pages of real memory, every element of which is looked at. */
class TileArenaTest {

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void leadingSlotsAreCopiedAndNothingElse(KvDtype dtype) {
    TileGeometry geometry = new TileGeometry(2, 2, 3, 8, dtype);
    for (int slots = 0; slots <= 8; slots++) {
      try (TileArena arena = TileArena.allocate(geometry, 5)) {
        fill(arena);
        arena.copySlots(new int[] {0, 3}, new int[] {4, 1}, slots);
        requirePage(arena, 4, 0, slots);
        requirePage(arena, 1, 3, slots);
        requirePage(arena, 0, 0, 8);
        requirePage(arena, 2, 2, 8);
        requirePage(arena, 3, 3, 8);
      }
    }
  }

  @Test
  void pagesOfSeveralSlabsAreCopied() {
    // Tiles of 16 MiB: four to a slab.
    TileGeometry geometry = new TileGeometry(1, 1, 4096, 1024, KvDtype.BFLOAT16);
    try (TileArena arena = TileArena.allocate(geometry, 6)) {
      assertThat(arena.bytes()).isEqualTo(6L << 24);
      assertThat(arena.shorts(3)).isSameAs(arena.shorts(0)).isNotSameAs(arena.shorts(4));
      assertThat(arena.base(3)).isEqualTo(3 << 23);
      assertThat(arena.base(5)).isEqualTo(1 << 23);
      arena.shorts(2)[arena.base(2) + geometry.valueOffset(0, 1023) + 4095] = 77;
      arena.copy(2, 5);
      assertThat(arena.shorts(5)[arena.base(5) + geometry.tileElements() - 1])
          .isEqualTo((short) 77);
      assertThat(arena.shorts(4)[arena.base(5) - 1]).isZero();
    }
  }

  @Test
  void aClosedArenaHoldsNothing() {
    TileGeometry geometry = new TileGeometry(1, 1, 4, 4, KvDtype.FLOAT32);
    TileArena arena = TileArena.allocate(geometry, 3);
    assertThat(arena.pages()).isEqualTo(3);
    assertThat(arena.geometry()).isSameAs(geometry);
    assertThat(arena.bytes()).isEqualTo(3L * geometry.tileBytes());
    arena.close();
    assertThat(arena.bytes()).isZero();
    assertThatThrownBy(() -> arena.floats(0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> TileArena.allocate(geometry, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pages is 0; it must be at least 1");
  }

  /** Element {@code i} of page {@code p} is {@code p * 37 + i}, as far as the type goes. */
  private static void fill(TileArena arena) {
    for (int page = 0; page < arena.pages(); page++) {
      for (int i = 0; i < arena.geometry().tileElements(); i++) {
        int at = arena.base(page) + i;
        switch (arena.geometry().dtype()) {
          case FLOAT32 -> arena.floats(page)[at] = page * 37 + i;
          case FLOAT16, BFLOAT16 -> arena.shorts(page)[at] = (short) (page * 37 + i);
          case INT8 -> arena.bytes(page)[at] = (byte) (page * 37 + i);
        }
      }
    }
  }

  /** The first slots are those of page {@code from}, the others the page's own. */
  private static void requirePage(TileArena arena, int page, int from, int slots) {
    TileGeometry geometry = arena.geometry();
    for (int i = 0; i < geometry.tileElements(); i++) {
      int owner = slot(geometry, i) < slots ? from : page;
      int expected = owner * 37 + i;
      int at = arena.base(page) + i;
      boolean right =
          switch (geometry.dtype()) {
            case FLOAT32 -> arena.floats(page)[at] == expected;
            case FLOAT16, BFLOAT16 -> arena.shorts(page)[at] == (short) expected;
            case INT8 -> arena.bytes(page)[at] == (byte) expected;
          };
      assertThat(right).as("page %d, element %d, %d slots", page, i, slots).isTrue();
    }
  }

  private static int slot(TileGeometry geometry, int element) {
    return element < geometry.valueElements()
        ? element / geometry.headDim() % geometry.tileTokens()
        : (element - geometry.valueElements()) / Float.BYTES % geometry.tileTokens();
  }
}
