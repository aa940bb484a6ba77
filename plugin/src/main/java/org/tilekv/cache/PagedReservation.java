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

import org.jspecify.annotations.Nullable;
import org.tilekv.cache.PagedTiles.Copies;
import org.tilekv.cache.PagedTiles.Range;

/** Takes pages for writing the tiles of a range, all of them or none. */
final class PagedReservation {

  private final PagedTiles tiles;
  private final Range range;
  private int missing;
  private int copies;
  private int evictableInRange;

  PagedReservation(PagedTiles tiles, Range range) {
    this.tiles = tiles;
    this.range = range;
  }

  /** As {@link PagedTiles#reserve}. */
  @Nullable Copies make() {
    forEach(this::count);
    if (missing > tiles.pool.freePages() + tiles.evictable - evictableInRange) {
      return null;
    }
    // What the range has must not be evicted for what it needs.
    forEach(this::claim);
    Copies made = new Copies(new int[copies], new int[copies]);
    copies = 0;
    forEach((head, tile) -> take(head, tile, made));
    // Only now: a page that is copied from must not be a target, too.
    for (int page : made.from()) {
      if (tiles.pagePins[page] == 0) {
        tiles.addEvictable(page);
      }
    }
    tiles.copied += copies;
    return made;
  }

  private void count(int head, int tile) {
    int page = tiles.pageOf(range.beam(), head, tile);
    if (page == PagedTiles.NO_PAGE) {
      missing++;
      return;
    }
    if (!tiles.published[page]) {
      return;
    }
    if (tiles.users.count(page) > 1) {
      missing++;
      copies++;
    }
    evictableInRange += tiles.pagePins[page] == 0 ? 1 : 0;
  }

  private void claim(int head, int tile) {
    int page = tiles.pageOf(range.beam(), head, tile);
    if (page == PagedTiles.NO_PAGE || !tiles.published[page]) {
      return;
    }
    if (tiles.pagePins[page] == 0) {
      tiles.removeEvictable(page);
    }
    tiles.published[page] = tiles.users.count(page) > 1;
  }

  private void take(int head, int tile, Copies made) {
    int page = tiles.pageOf(range.beam(), head, tile);
    if (page == PagedTiles.NO_PAGE) {
      tiles.map(tiles.takePage(), range.beam(), head, tile);
    } else if (tiles.published[page]) {
      int copy = tiles.takePage();
      int pins = tiles.entryPins[tiles.entry(range.beam(), head, tile)];
      tiles.unmap(page, range.beam(), head, tile);
      tiles.map(copy, range.beam(), head, tile);
      tiles.pagePins[page] -= pins;
      tiles.pagePins[copy] += pins;
      made.from()[copies] = page;
      made.to()[copies++] = copy;
    }
  }

  private void forEach(TileVisitor visitor) {
    for (int head = range.fromHead(); head < range.toHead(); head++) {
      for (int tile = range.fromTile(); tile < range.toTile(); tile++) {
        visitor.visit(head, tile);
      }
    }
  }

  @FunctionalInterface
  private interface TileVisitor {
    void visit(int head, int tile);
  }
}
