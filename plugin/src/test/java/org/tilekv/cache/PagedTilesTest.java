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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tilekv.cache.PagedTiles.Copies;
import org.tilekv.cache.PagedTiles.Range;
import org.tilekv.cache.PagedTilesModel.Content;
import org.tilekv.cache.PagedTilesModel.Key;

/** Pages of tiles without any memory: single cases, and random calls against a model. */
class PagedTilesTest {

  private static final int BEAMS = 4;
  private static final int HEADS = 2;
  private static final int TILES = 3;

  private PagedTiles tiles = new PagedTiles(4, BEAMS, HEADS, TILES);

  @AfterEach
  void everythingAddsUp() {
    new PagedTilesIntegrity(tiles).check();
  }

  @Test
  void aTileIsFoundOnceItIsPublished() {
    assertThat(tiles.find(0, 1, 2)).isEqualTo(PagedTiles.NO_PAGE);
    assertThat(reserve(0, 1, 2).from()).isEmpty();
    int page = tiles.pageOf(0, 1, 2);
    assertThat(page).isNotEqualTo(PagedTiles.NO_PAGE);
    assertThat(tiles.find(0, 1, 2)).isEqualTo(PagedTiles.NO_PAGE);
    tiles.publish(0, 1, 2);
    assertThat(tiles.find(0, 1, 2)).isEqualTo(page);
    assertThat(tiles.hits).isEqualTo(1);
    assertThat(tiles.misses).isEqualTo(2);
  }

  @Test
  void theLeastRecentlyUsedTileIsEvicted() {
    for (int tile = 0; tile < 2; tile++) {
      for (int head = 0; head < HEADS; head++) {
        write(0, head, tile);
      }
    }
    tiles.find(0, 0, 0);
    write(1, 0, 0);
    assertThat(tiles.pageOf(0, 1, 0)).isEqualTo(PagedTiles.NO_PAGE);
    assertThat(tiles.pageOf(0, 0, 0)).isNotEqualTo(PagedTiles.NO_PAGE);
    assertThat(tiles.evictions).isEqualTo(1);
  }

  @Test
  void whatDoesNotFitChangesNothing() {
    write(0, 0, 0);
    write(0, 1, 0);
    assertThat(tiles.pin(0, 0, 0)).isTrue();
    int[] before = tiles.table.entries().clone();
    assertThat(tiles.reserve(new Range(1, 0, HEADS, 0, 2))).isNull();
    assertThat(tiles.table.entries()).isEqualTo(before);
    assertThat(tiles.evictions).isZero();
    tiles.unpin(0, 0, 0);
    assertThat(tiles.reserve(new Range(1, 0, HEADS, 0, 2))).isNotNull();
    assertThat(tiles.evictions).isEqualTo(2);
  }

  @Test
  void aRangeDoesNotEvictWhatItHas() {
    write(0, 0, 0);
    write(0, 1, 0);
    int first = tiles.pageOf(0, 0, 0);
    assertThat(tiles.reserve(new Range(0, 0, HEADS, 0, 3))).isNull();
    assertThat(tiles.reserve(new Range(0, 0, HEADS, 0, 2))).isNotNull();
    assertThat(tiles.pageOf(0, 0, 0)).isEqualTo(first);
  }

  @Test
  void aSharedTileIsCopiedBeforeItIsWritten() {
    write(0, 0, 0);
    tiles.fork(0, 1);
    int shared = tiles.pageOf(0, 0, 0);
    assertThat(tiles.pageOf(1, 0, 0)).isEqualTo(shared);
    Copies copies = reserve(1, 0, 0);
    assertThat(copies.from()).containsExactly(shared);
    assertThat(copies.to()).containsExactly(tiles.pageOf(1, 0, 0)).doesNotContain(shared);
    assertThat(tiles.find(0, 0, 0)).isEqualTo(shared);
    assertThat(reserve(0, 0, 0).from()).isEmpty();
    assertThat(tiles.copied).isEqualTo(1);
  }

  @Test
  void pinsStayWithTheirTileWhenItIsCopied() {
    write(0, 0, 0);
    tiles.fork(0, 1);
    tiles.pin(1, 0, 0);
    reserve(1, 0, 0);
    assertThat(tiles.evictable).isEqualTo(1);
    assertThatThrownBy(() -> tiles.drop(1, 0, 0)).hasMessage("tile 0 of beam 1, head 0 is pinned");
    tiles.publish(1, 0, 0);
    assertThat(tiles.evictable).isEqualTo(1);
    tiles.unpin(1, 0, 0);
    assertThat(tiles.evictable).isEqualTo(2);
  }

  @Test
  void evictionOfASharedPageForgetsAllItsTiles() {
    tiles = new PagedTiles(1, BEAMS, HEADS, TILES);
    write(0, 0, 0);
    tiles.fork(0, 1);
    tiles.fork(1, 2);
    write(3, 1, 1);
    for (int beam = 0; beam < 3; beam++) {
      assertThat(tiles.find(beam, 0, 0)).isEqualTo(PagedTiles.NO_PAGE);
    }
  }

  @Test
  void misuseIsRefused() {
    assertThatThrownBy(() -> tiles.publish(0, 0, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("tile 0 of beam 0, head 0 is not being written");
    assertThatThrownBy(() -> tiles.unpin(0, 0, 0)).hasMessageContaining("is not pinned");
    assertThatThrownBy(() -> tiles.find(0, HEADS, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("there are 4 beams and 2 heads");
    assertThatThrownBy(() -> tiles.find(0, 0, -1)).hasMessageContaining("a beam has 3 tiles");
    assertThat(tiles.pin(0, 0, 0)).isFalse();
    reserve(0, 0, 0);
    assertThat(tiles.pin(0, 0, 0)).isFalse();
    assertThatThrownBy(() -> tiles.fork(0, 1)).hasMessageContaining("is still being written");
    assertThatThrownBy(() -> tiles.fork(1, 0)).hasMessageContaining("beam 0 has tiles");
  }

  @Test
  void randomCallsDoWhatTheModelDoes() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      int pages = 1 + random.nextInt(BEAMS * HEADS * TILES);
      tiles = new PagedTiles(pages, BEAMS, HEADS, TILES);
      PagedTilesModel model = new PagedTilesModel(pages);
      for (int call = 0; call < 2_000; call++) {
        String where = "seed " + seed + ", round " + round + ", call " + call;
        act(model, random, where);
        compare(model, where);
      }
    }
  }

  private void act(PagedTilesModel model, Random random, String where) {
    int beam = random.nextInt(BEAMS);
    Key key = new Key(beam, random.nextInt(HEADS), random.nextInt(TILES));
    switch (random.nextInt(12)) {
      case 0, 1 -> reserveRange(model, beam, random, where);
      case 2 -> reserveOne(model, key, where);
      case 3, 4, 5 -> publishAll(model, beam);
      case 6, 7 ->
          assertThat(tiles.find(beam, key.head(), key.tile()) != PagedTiles.NO_PAGE)
              .as(where)
              .isEqualTo(model.find(key));
      case 8 ->
          assertThat(tiles.pin(beam, key.head(), key.tile())).as(where).isEqualTo(model.pin(key));
      case 9 -> unpinAll(model, key);
      case 10 -> dropAll(model, beam);
      default -> fork(model, beam, random.nextInt(BEAMS));
    }
  }

  private void reserveRange(PagedTilesModel model, int beam, Random random, String where) {
    int from = random.nextInt(TILES);
    int to = from + 1 + random.nextInt(TILES - from);
    reserveAndCompare(model, new Range(beam, 0, HEADS, from, to), where);
  }

  private void reserveOne(PagedTilesModel model, Key key, String where) {
    int head = key.head();
    int tile = key.tile();
    reserveAndCompare(model, new Range(key.beam(), head, head + 1, tile, tile + 1), where);
  }

  private void reserveAndCompare(PagedTilesModel model, Range range, String where) {
    List<Key> keys = new ArrayList<>();
    for (int head = range.fromHead(); head < range.toHead(); head++) {
      for (int tile = range.fromTile(); tile < range.toTile(); tile++) {
        keys.add(new Key(range.beam(), head, tile));
      }
    }
    Map<Key, Integer> before = new HashMap<>();
    keys.forEach(key -> before.put(key, page(key)));
    List<Key> expected = model.reserve(keys);
    Copies copies = tiles.reserve(range);
    assertThat(copies == null).as(where).isEqualTo(expected == null);
    if (copies != null && expected != null) {
      assertThat(copies.from()).as(where).isEqualTo(pages(expected, before));
      assertThat(copies.to()).as(where).isEqualTo(expected.stream().mapToInt(this::page).toArray());
    }
  }

  private static int[] pages(List<Key> keys, Map<Key, Integer> pages) {
    return keys.stream().mapToInt(pages::get).toArray();
  }

  private void publishAll(PagedTilesModel model, int beam) {
    for (int head = 0; head < HEADS; head++) {
      for (int tile = 0; tile < TILES; tile++) {
        Key key = new Key(beam, head, tile);
        if (model.isBeingWritten(key)) {
          model.publish(key);
          tiles.publish(beam, head, tile);
        }
      }
    }
  }

  private void unpinAll(PagedTilesModel model, Key key) {
    while (model.pinsOf(key) > 0) {
      model.unpin(key);
      tiles.unpin(key.beam(), key.head(), key.tile());
    }
  }

  private void dropAll(PagedTilesModel model, int beam) {
    for (int head = 0; head < HEADS; head++) {
      for (int tile = 0; tile < TILES; tile++) {
        Key key = new Key(beam, head, tile);
        if (model.pinsOf(key) == 0) {
          model.drop(key);
          tiles.drop(beam, head, tile);
        }
      }
    }
  }

  private void fork(PagedTilesModel model, int from, int to) {
    if (from != to && model.canFork(from, to)) {
      model.fork(from, to);
      tiles.fork(from, to);
    }
  }

  private void compare(PagedTilesModel model, String where) {
    new PagedTilesIntegrity(tiles).check();
    Map<Content, Integer> pages = new HashMap<>();
    for (int beam = 0; beam < BEAMS; beam++) {
      for (int head = 0; head < HEADS; head++) {
        for (int tile = 0; tile < TILES; tile++) {
          Key key = new Key(beam, head, tile);
          Content content = model.contents.get(key);
          assertThat(page(key) == PagedTiles.NO_PAGE).as(where).isEqualTo(content == null);
          if (content != null) {
            assertThat(pages.computeIfAbsent(content, c -> page(key)))
                .as(where)
                .isEqualTo(page(key));
            assertThat(tiles.published[page(key)]).as(where).isEqualTo(content.published);
          }
        }
      }
    }
    assertThat(new HashSet<>(pages.values())).as(where).hasSameSizeAs(pages.keySet());
    assertThat(tiles.evictions).as(where).isEqualTo(model.evictions);
    Content oldest = model.oldest();
    int page = tiles.evictionOrder.oldest();
    assertThat(tiles.evictionOrder.isEnd(page)).as(where).isEqualTo(oldest == null);
    if (oldest != null) {
      assertThat(page).as(where).isEqualTo(pages.get(oldest));
    }
  }

  private int page(Key key) {
    return tiles.pageOf(key.beam(), key.head(), key.tile());
  }

  private Copies reserve(int beam, int head, int tile) {
    Copies copies = tiles.reserve(new Range(beam, head, head + 1, tile, tile + 1));
    assertThat(copies).isNotNull();
    return copies;
  }

  private void write(int beam, int head, int tile) {
    reserve(beam, head, tile);
    tiles.publish(beam, head, tile);
  }
}
