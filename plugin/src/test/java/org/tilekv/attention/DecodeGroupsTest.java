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
package org.tilekv.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.tilekv.page.PageTable;

class DecodeGroupsTest {

  private static final int SPAN = 64;

  /** Each row lists the pages of its tiles of 16 tokens; head 1 has others. */
  private static PageTable table(int[]... pages) {
    PageTable table = new PageTable(pages.length, 2, 32);
    for (int row = 0; row < pages.length; row++) {
      for (int tile = 0; tile < pages[row].length; tile++) {
        table.assign(row, 0, tile, 2 * pages[row][tile]);
        table.assign(row, 1, tile, 2 * pages[row][tile] + 1);
      }
    }
    return table;
  }

  private static Segments lastTokens(int... lengths) {
    Segments step = new Segments();
    for (int row = 0; row < lengths.length; row++) {
      step.add(row, lengths[row] - 1, 1);
    }
    return step;
  }

  private static DecodeGroups find(Segments step, PageTable table, int most) {
    DecodeGroups groups = new DecodeGroups(16, SPAN, 2);
    groups.find(step, table, most);
    return groups;
  }

  private static String describe(DecodeGroups groups) {
    StringBuilder text = new StringBuilder();
    for (int g = 0; g < groups.size(); g++) {
      int[] rows = new int[groups.rows(g)];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = groups.segment(g, i);
      }
      text.append(Arrays.toString(rows)).append(groups.sharedEnd(g)).append(' ');
    }
    return text.toString().trim();
  }

  private static int[] pages(int first, int shared, int own, int count) {
    int[] pages = new int[count];
    for (int tile = 0; tile < count; tile++) {
      pages[tile] = tile < shared ? first + tile : own + tile;
    }
    return pages;
  }

  @Test
  void rowsThatBeginWithTheSamePagesAreOneGroup() {
    PageTable table =
        table(
            pages(0, 9, 100, 10),
            pages(50, 8, 200, 10),
            pages(0, 9, 300, 10),
            pages(50, 8, 400, 10),
            pages(0, 7, 500, 10));
    Segments step = lastTokens(150, 150, 160, 150, 150);
    assertThat(describe(find(step, table, 8))).isEqualTo("[0, 2]128 [1, 3]128 [4]0");
    assertThat(describe(find(step, table, 1))).isEqualTo("[0]0 [1]0 [2]0 [3]0 [4]0");
  }

  @Test
  void aRowThatSharesTooLittleWouldCostTheGroupMore() {
    PageTable table =
        table(
            pages(0, 16, 100, 17),
            pages(0, 16, 200, 17),
            pages(0, 16, 300, 17),
            pages(0, 8, 400, 17));
    Segments step = lastTokens(260, 260, 260, 260);
    // 3 * 128 positions read once more with the fourth row against 2 * 256 without it.
    assertThat(describe(find(step, table, 8))).isEqualTo("[0, 1, 2]256 [3]0");
  }

  @Test
  void chunksAndShortRowsAreLeftAlone() {
    PageTable table = table(pages(0, 5, 100, 6), pages(0, 5, 200, 6), pages(0, 5, 300, 6));
    Segments step = new Segments();
    step.add(0, 70, 20);
    step.add(1, 62, 1);
    step.add(2, 63, 1);
    assertThat(describe(find(step, table, 8))).isEqualTo("[1]0 [2]0");
  }

  @Test
  void everyRowIsInOneGroupWhosePagesItHas() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    DecodeGroups groups = new DecodeGroups(16, SPAN, 2);
    for (int round = 0; round < 200; round++) {
      int rows = 1 + random.nextInt(60);
      int[][] pages = new int[rows][];
      Segments step = new Segments();
      int[] lengths = new int[rows];
      for (int row = 0; row < rows; row++) {
        int tiles = 1 + random.nextInt(30);
        int family = random.nextInt(3);
        pages[row] = pages(1000 * family, random.nextInt(30), 10_000 + 100 * row, tiles);
        lengths[row] = 16 * (tiles - 1) + 1 + random.nextInt(16);
      }
      for (int row = 0; row < rows; row++) {
        step.add(row, lengths[row] - 1, 1);
      }
      int most = 1 + random.nextInt(20);
      PageTable table = table(pages);
      groups.find(step, table, most);
      check("seed " + seed + ", round " + round, groups, lengths, table, most);
    }
  }

  private static void check(
      String name, DecodeGroups groups, int[] lengths, PageTable table, int most) {
    boolean[] seen = new boolean[lengths.length];
    for (int g = 0; g < groups.size(); g++) {
      assertThat(groups.rows(g)).as(name).isBetween(1, most);
      int shared = groups.sharedEnd(g);
      assertThat(shared % SPAN).as(name).isZero();
      for (int i = 0; i < groups.rows(g); i++) {
        int row = groups.segment(g, i);
        assertThat(seen[row]).as(name).isFalse();
        seen[row] = true;
        assertThat(shared).as(name).isLessThanOrEqualTo(lengths[row]);
        for (int tile = 0; tile * 16 < shared; tile++) {
          assertThat(table.lookup(row, 1, tile))
              .as(name)
              .isEqualTo(table.lookup(groups.segment(g, 0), 1, tile));
        }
      }
    }
    assertThat(seen).as(name).doesNotContain(false);
  }
}
