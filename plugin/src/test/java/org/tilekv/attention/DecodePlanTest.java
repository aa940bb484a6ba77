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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.page.PageTable;

/** Plans of decode rows: every row sees each of its keys once, whatever it shares. */
class DecodePlanTest {
  private static final int TILE = 32;
  private static final int MAX_TILES = 512;
  private static final int HEADS = 8;
  private static final int GROUP = 4;
  private static final int PART_ROWS = 2048;
  private static final TileGeometry GEOMETRY =
      new TileGeometry(1, HEADS, 128, TILE, KvDtype.BFLOAT16);

  private final PageTable table = new PageTable(256, HEADS, MAX_TILES);
  private final Segments segments = new Segments();
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 20).order(ByteOrder.nativeOrder());
  private int nextPage;

  private DecodePlan plan(int window) {
    PrefixCost cost = new PrefixCost(GEOMETRY, GROUP, 132);
    SharedPrefixes shared = window == 0 ? new SharedPrefixes(table, cost, PART_ROWS) : null;
    return new DecodePlan(window, 256, shared);
  }

  /** Adds a row that shares its first tiles with another one; -1 for none. */
  private void addRow(int row, int position, int sharesWith, int sharedTiles) {
    for (int tile = 0; tile <= position / TILE; tile++) {
      for (int head = 0; head < HEADS; head++) {
        boolean shared = sharesWith >= 0 && tile < sharedTiles;
        table.assign(row, head, tile, shared ? table.lookup(sharesWith, head, tile) : nextPage++);
      }
    }
    segments.add(row, position, 1);
  }

  private int int4(int at, int i) {
    return buffer.getInt(at + Integer.BYTES * i);
  }

  /** Keys that each row reads, from its entry and from the work list. */
  private List<List<Integer>> keysRead(DecodePlan plan, int room) {
    plan.write(segments, segments.size(), room, buffer, 0);
    List<List<Integer>> read = new ArrayList<>();
    int blocks = 0;
    for (int i = 0; i < room; i++) {
      int position = int4(16 * i, 1);
      int first = (int4(16 * i, 2) & 0xffffff) * DecodePlan.BLOCK_KEYS;
      assertThat(int4(16 * i, 3)).as("blocks before row %d", i).isEqualTo(blocks);
      List<Integer> keys = new ArrayList<>();
      for (int key = Math.max(first, plan.window() == 0 ? 0 : position - plan.window() + 1);
          key <= position;
          key++) {
        keys.add(key);
      }
      blocks +=
          position < 0 ? 0 : position / DecodePlan.BLOCK_KEYS - first / DecodePlan.BLOCK_KEYS + 1;
      read.add(keys);
    }
    assertThat(int4(16 * room, 3)).as("all blocks").isEqualTo(blocks);
    if (plan.sharing()) {
      addShared(plan, read);
    }
    return read;
  }

  private void addShared(DecodePlan plan, List<List<Integer>> read) {
    int at = (int) plan.sharedItems(0);
    int members = (int) plan.sharedMembers(0);
    boolean[][] parts = new boolean[read.size()][16];
    for (int i = 0; i < int4((int) plan.sharedCount(0), 0); i++, at += 32) {
      assertThat(int4(at, 5)).isBetween(1, 128 / GROUP);
      for (int m = 0; m < int4(at, 5); m++) {
        int member = int4(members, int4(at, 4) + m);
        assertThat(parts[member][int4(at, 3)]).as("part twice").isFalse();
        parts[member][int4(at, 3)] = true;
        for (int key = int4(at, 1); key < int4(at, 2); key++) {
          read.get(member).add(key);
          assertThat(table.lookup(int4(at, 0), 3, key / TILE))
              .isEqualTo(table.lookup(segments.row(member), 3, key / TILE));
        }
      }
    }
    for (int row = 0; row < read.size(); row++) {
      int count = int4(16 * row, 2) >> 24;
      for (int part = 0; part < 16; part++) {
        assertThat(parts[row][part]).as("row %d part %d", row, part).isEqualTo(part < count);
      }
    }
  }

  private void expectEveryKeyOnce(DecodePlan plan, int room) {
    List<List<Integer>> read = keysRead(plan, room);
    for (int i = 0; i < segments.size(); i++) {
      int position = segments.start(i);
      int first = plan.window() == 0 ? 0 : Math.max(0, position - plan.window() + 1);
      int[] keys = read.get(i).stream().mapToInt(Integer::intValue).sorted().toArray();
      int[] want = new int[position - first + 1];
      Arrays.setAll(want, k -> first + k);
      assertThat(keys).as("keys of row %d", i).isEqualTo(want);
    }
    for (int i = segments.size(); i < room; i++) {
      assertThat(read.get(i)).as("keys of padding").isEmpty();
    }
  }

  @Test
  void rowsWithoutAnythingInCommonReadTheirOwnKeys() {
    for (int row = 0; row < 40; row++) {
      addRow(row, 13 * row, -1, 0);
    }
    DecodePlan plan = plan(0);
    expectEveryKeyOnce(plan, 48);
    assertThat(plan.sharing()).isFalse();
    expectEveryKeyOnce(plan(70), 40);
  }

  @Test
  void aLongPrefixOfManyRowsIsReadOnce() {
    for (int row = 0; row < 64; row++) {
      addRow(row, 4096 + row, row == 0 ? -1 : 0, 4096 / TILE);
    }
    DecodePlan plan = plan(0);
    expectEveryKeyOnce(plan, 64);
    assertThat(plan.sharing()).isTrue();
    assertThat(int4(0, 2) & 0xffffff).isEqualTo(4096 / DecodePlan.BLOCK_KEYS);
  }

  @Test
  void shortPrefixesAndFewRowsAreNotWorthIt() {
    addRow(0, 700, -1, 0);
    addRow(1, 710, 0, 20);
    DecodePlan plan = plan(0);
    expectEveryKeyOnce(plan, 2);
    assertThat(plan.sharing()).isFalse();
  }

  @Test
  void twoTemplatesAreTwoGroupsAndOneSystemPromptOne() {
    for (int row = 0; row < 128; row++) {
      addRow(row, 3000 + row, row < 2 ? -1 : row % 2, 2944 / TILE);
    }
    DecodePlan plan = plan(0);
    expectEveryKeyOnce(plan, 128);
    assertThat(plan.sharing()).isTrue();
    assertThat(int4((int) plan.sharedItems(0), 0)).isEqualTo(0);
  }

  @Test
  void aRowThatHasNewPagesIsNotReadFromTheOldGroup() {
    for (int row = 0; row < 64; row++) {
      addRow(row, 4096, row == 0 ? -1 : 0, 4096 / TILE);
    }
    DecodePlan plan = plan(0);
    expectEveryKeyOnce(plan, 64);
    segments.clear();
    for (int row = 0; row < 64; row++) {
      if (row == 9) {
        addRow(9, 4200, -1, 0);
      } else {
        segments.add(row, 4097, 1);
      }
    }
    expectEveryKeyOnce(plan, 64);
    assertThat(int4(16 * 9, 2)).as("first block and parts of the new row").isZero();
    assertThat(plan.sharing()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyKeyIsReadOnceInRandomTrees(long seed) {
    Random random = new Random(seed);
    int rows = 1 + random.nextInt(200);
    for (int row = 0; row < rows; row++) {
      int with = row == 0 || random.nextInt(8) == 0 ? -1 : random.nextInt(row);
      int most = with < 0 ? 0 : segments.start(with) / TILE;
      int shared = most == 0 ? 0 : most - random.nextInt(Math.min(most, 4));
      addRow(
          row,
          Math.min(16_000, shared * TILE + random.nextInt(with < 0 ? 6000 : 200)),
          with,
          shared);
    }
    expectEveryKeyOnce(plan(0), rows + random.nextInt(9));
  }
}
