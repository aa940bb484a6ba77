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
package org.tilekv.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Entries of the table, and what its mirror is sent. */
class PageTableTest {

  private static final int ROWS = 3;
  private static final int HEADS = 2;
  private static final int TILES = 5;

  private final PageTable table = new PageTable(ROWS, HEADS, TILES);
  private final int[] mirror = new int[ROWS * HEADS * TILES];
  private final List<String> uploads = new ArrayList<>();

  PageTableTest() {
    Arrays.fill(mirror, PageTable.NO_PAGE);
  }

  @Test
  void aNewTableHasNoPagesAndNothingToUpload() {
    assertThat(table.rows()).isEqualTo(ROWS);
    assertThat(table.heads()).isEqualTo(HEADS);
    assertThat(table.maxTiles()).isEqualTo(TILES);
    assertThat(table.entries()).hasSize(ROWS * HEADS * TILES).containsOnly(PageTable.NO_PAGE);
    assertThat(sync()).isZero();
    assertThat(uploads).isEmpty();
  }

  @Test
  void anEntryIsFoundAndRemoved() {
    table.assign(2, 1, 4, 17);
    assertThat(table.lookup(2, 1, 4)).isEqualTo(17);
    assertThat(table.lookup(2, 1, 3)).isEqualTo(PageTable.NO_PAGE);
    assertThat(table.entries()[table.index(2, 1, 4)]).isEqualTo(17);
    assertThat(table.remove(2, 1, 4)).isEqualTo(17);
    assertThat(table.remove(2, 1, 4)).isEqualTo(PageTable.NO_PAGE);
  }

  @Test
  void everyEntryHasItsOwnPlaceAndTheTilesOfAHeadAreConsecutive() {
    int expected = 0;
    for (int beam = 0; beam < ROWS; beam++) {
      for (int head = 0; head < HEADS; head++) {
        for (int tile = 0; tile < TILES; tile++) {
          assertThat(table.index(beam, head, tile)).isEqualTo(expected++);
        }
      }
    }
  }

  @Test
  void aTileThatTheTableDoesNotHaveIsRefused() {
    assertThatThrownBy(() -> table.assign(0, 0, TILES, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tile is 5; this table has tiles 0 to 4");
    assertThatThrownBy(() -> table.assign(1, 0, -1, 1)).hasMessageContaining("tile is -1");
  }

  @Test
  void clearForgetsTheLeadingTilesOfOneRow() {
    fill();
    table.clear(1, 3);
    for (int head = 0; head < HEADS; head++) {
      for (int tile = 0; tile < TILES; tile++) {
        assertThat(table.lookup(1, head, tile) == PageTable.NO_PAGE).isEqualTo(tile < 3);
        assertThat(table.lookup(0, head, tile)).isEqualTo(table.index(0, head, tile));
        assertThat(table.lookup(2, head, tile)).isEqualTo(table.index(2, head, tile));
      }
    }
  }

  @Test
  void clearForgetsEverythingAndUploadsItAtOnce() {
    fill();
    sync();
    uploads.clear();
    table.clear();
    assertThat(table.entries()).containsOnly(PageTable.NO_PAGE);
    assertThat(sync()).isEqualTo(ROWS * HEADS * TILES);
    assertThat(uploads).containsExactly("0..30");
    assertThat(mirror).containsOnly(PageTable.NO_PAGE);
  }

  @Test
  void onlyWhatChangedIsUploadedAndOnlyOnce() {
    table.assign(1, 0, 3, 8);
    table.assign(1, 0, 1, 9);
    table.assign(2, 1, 0, 7);
    assertThat(sync()).isEqualTo(4);
    assertThat(uploads).containsExactly("11..14", "25..26");
    assertThat(mirror).isEqualTo(table.entries());
    assertThat(sync()).isZero();
    table.remove(2, 1, 0);
    assertThat(sync()).isEqualTo(1);
    assertThat(uploads).containsExactly("11..14", "25..26", "25..26");
  }

  @Test
  void rangesThatTouchAreOneUpload() {
    table.assign(0, 0, 4, 1);
    table.assign(0, 1, 0, 2);
    table.assign(1, 0, 1, 3);
    assertThat(sync()).isEqualTo(3);
    assertThat(uploads).containsExactly("4..6", "11..12");
  }

  @Test
  void theMirrorFollowsRandomChanges() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int call = 0; call < 20_000; call++) {
      int beam = random.nextInt(ROWS);
      int head = random.nextInt(HEADS);
      int tile = random.nextInt(TILES);
      switch (random.nextInt(20)) {
        case 0 -> table.clear();
        case 1, 2 -> table.clear(beam, tile);
        case 3, 4, 5, 6, 7 -> table.remove(beam, head, tile);
        default -> table.assign(beam, head, tile, random.nextInt(100));
      }
      if (random.nextInt(4) == 0) {
        sync();
        assertThat(mirror).as("seed %d, call %d", seed, call).isEqualTo(table.entries());
      }
    }
  }

  private void fill() {
    for (int beam = 0; beam < ROWS; beam++) {
      for (int head = 0; head < HEADS; head++) {
        for (int tile = 0; tile < TILES; tile++) {
          table.assign(beam, head, tile, table.index(beam, head, tile));
        }
      }
    }
  }

  private int sync() {
    return table.syncToDevice(
        (entries, from, to) -> {
          uploads.add(from + ".." + to);
          System.arraycopy(entries, from, mirror, from, to - from);
        });
  }
}
