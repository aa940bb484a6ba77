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

/** Recounts the bookkeeping of {@link PagedTiles} from the page table. */
final class PagedTilesIntegrity {

  private final PagedTiles tiles;
  private final int[] users;
  private final int[] pins;

  PagedTilesIntegrity(PagedTiles tiles) {
    this.tiles = tiles;
    users = new int[tiles.pool.pages()];
    pins = new int[tiles.pool.pages()];
  }

  void check() {
    tiles.pool.checkIntegrity();
    require(tiles.evictionOrder.isConsistent(), "the order of eviction is broken");
    countEntries();
    int evictable = 0;
    for (int page = 0; page < users.length; page++) {
      checkPage(page);
      evictable += isEvictable(page) ? 1 : 0;
    }
    int ordered = 0;
    int page = tiles.evictionOrder.oldest();
    for (; !tiles.evictionOrder.isEnd(page); page = tiles.evictionOrder.newerThan(page)) {
      require(isEvictable(page), "page " + page + " must not be evicted and is in the order");
      ordered++;
    }
    require(
        ordered == evictable && evictable == tiles.evictable,
        "%d pages can be evicted; the order has %d, counted are %d"
            .formatted(evictable, ordered, tiles.evictable));
  }

  private void countEntries() {
    int[] entries = tiles.table.entries();
    for (int entry = 0; entry < entries.length; entry++) {
      int page = entries[entry];
      if (page != PagedTiles.NO_PAGE) {
        users[page]++;
        pins[page] += tiles.entryPins[entry];
      } else {
        require(tiles.entryPins[entry] == 0, "entry " + entry + " has no page and is pinned");
      }
    }
  }

  private void checkPage(int page) {
    require(
        tiles.pool.isFree(page) == (users[page] == 0),
        "page " + page + " has " + users[page] + " tiles; free: " + tiles.pool.isFree(page));
    require(
        tiles.users.count(page) == users[page] && tiles.pagePins[page] == pins[page],
        "page %d has %d tiles and %d pins; counted are %d and %d"
            .formatted(
                page, users[page], pins[page], tiles.users.count(page), tiles.pagePins[page]));
    require(
        tiles.published[page] || users[page] <= 1,
        "page " + page + " is being written and has " + users[page] + " tiles");
    require(!tiles.published[page] || users[page] > 0, "page " + page + " is free and published");
    int[] listed = new int[1];
    tiles.users.forEach(
        page,
        entry -> {
          listed[0]++;
          int found = tiles.table.entries()[entry];
          require(found == page, "entry " + entry + " is listed for " + page + ", not " + found);
        });
    require(listed[0] == users[page], "page " + page + " lists " + listed[0] + " tiles");
  }

  private boolean isEvictable(int page) {
    return tiles.published[page] && pins[page] == 0;
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalStateException(message);
    }
  }
}
