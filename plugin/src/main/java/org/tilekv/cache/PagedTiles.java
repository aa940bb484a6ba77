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
import org.tilekv.page.LruOrder;
import org.tilekv.page.PagePool;
import org.tilekv.page.PageTable;
import org.tilekv.page.PageUsers;

/**
 * The bookkeeping of a {@link GpuTileCache}: which page each tile (beam, head, tile) is on, what
 * may be read, what may be evicted. No bytes, no device. Confined to one thread.
 *
 * <p>A page is free; <em>being written</em>, with one tile on it; or <em>published</em>, with one
 * or more tiles, which forks of beams share. Published pages without a pin are in the order of
 * eviction, least recently used first. Whoever is evicted loses all its tiles' entries in the
 * table.
 */
final class PagedTiles {

  static final int NO_PAGE = PageTable.NO_PAGE;

  /** Heads and tiles of one beam, ends excluded. */
  record Range(int beam, int fromHead, int toHead, int fromTile, int toTile) {}

  /** Copies to make before the new pages are written, page by page. */
  record Copies(int[] from, int[] to) {}

  final PageTable table;
  final PagePool pool;
  final PageUsers users;
  final LruOrder evictionOrder;
  final boolean[] published;
  // Pins of a page are those of its entries together.
  final int[] pagePins;
  final int[] entryPins;
  int evictable;
  long hits;
  long misses;
  long evictions;
  long copied;

  PagedTiles(int pages, int beams, int heads, int maxTiles) {
    table = new PageTable(beams, heads, maxTiles);
    pool = new PagePool(pages);
    users = new PageUsers(pages, table.entries().length);
    evictionOrder = new LruOrder(pages);
    published = new boolean[pages];
    pagePins = new int[pages];
    entryPins = new int[table.entries().length];
  }

  /**
   * Page of a published tile, which is now the most recently used; {@link #NO_PAGE} without one.
   */
  int find(int beam, int head, int tile) {
    int page = pageOf(beam, head, tile);
    if (page == NO_PAGE || !published[page]) {
      misses++;
      return NO_PAGE;
    }
    hits++;
    if (pagePins[page] == 0) {
      evictionOrder.touch(page);
    }
    return page;
  }

  /** Page of a tile, published or not. */
  int pageOf(int beam, int head, int tile) {
    return table.entries()[entry(beam, head, tile)];
  }

  /**
   * Gives every tile of the range a page of its own that is being written: the one it has, a new
   * one, or a new one to copy to where it shared one.
   *
   * @return the copies to make, or null and nothing changed where there is no room
   */
  @Nullable Copies reserve(Range range) {
    return new PagedReservation(this, range).make();
  }

  /** Lets readers find a tile that was being written. */
  void publish(int beam, int head, int tile) {
    int page = pageOf(beam, head, tile);
    if (page == NO_PAGE || published[page]) {
      throw new IllegalStateException(name(beam, head, tile) + " is not being written");
    }
    published[page] = true;
    if (pagePins[page] == 0) {
      addEvictable(page);
    }
  }

  /** Keeps a published tile until as many {@link #unpin}; false where there is none. */
  boolean pin(int beam, int head, int tile) {
    int entry = entry(beam, head, tile);
    int page = table.entries()[entry];
    if (page == NO_PAGE || !published[page]) {
      return false;
    }
    if (pagePins[page] == 0) {
      removeEvictable(page);
    }
    pagePins[page]++;
    entryPins[entry]++;
    return true;
  }

  void unpin(int beam, int head, int tile) {
    int entry = entry(beam, head, tile);
    if (entryPins[entry] == 0) {
      throw new IllegalStateException(name(beam, head, tile) + " is not pinned");
    }
    int page = table.entries()[entry];
    entryPins[entry]--;
    if (--pagePins[page] == 0 && published[page]) {
      addEvictable(page);
    }
  }

  /** Forgets a tile, published or not; its page is free where no other tile shares it. */
  void drop(int beam, int head, int tile) {
    int entry = entry(beam, head, tile);
    if (entryPins[entry] > 0) {
      throw new IllegalStateException(name(beam, head, tile) + " is pinned");
    }
    int page = table.entries()[entry];
    if (page != NO_PAGE) {
      unmap(page, beam, head, tile);
      freeIfUnused(page);
    }
  }

  /** Shares all tiles of a beam, which are published, with one that has none. */
  void fork(int from, int to) {
    for (int head = 0; head < table.heads(); head++) {
      for (int tile = 0; tile < table.maxTiles(); tile++) {
        requireForkable(pageOf(from, head, tile), from, head, tile);
        if (pageOf(to, head, tile) != NO_PAGE) {
          throw new IllegalStateException("beam " + to + " has tiles; drop them first");
        }
      }
    }
    for (int head = 0; head < table.heads(); head++) {
      for (int tile = 0; tile < table.maxTiles(); tile++) {
        int page = pageOf(from, head, tile);
        if (page != NO_PAGE) {
          map(page, to, head, tile);
        }
      }
    }
  }

  private void requireForkable(int page, int beam, int head, int tile) {
    if (page != NO_PAGE && !published[page]) {
      throw new IllegalStateException(name(beam, head, tile) + " is still being written");
    }
  }

  void map(int page, int beam, int head, int tile) {
    table.assign(beam, head, tile, page);
    users.add(page, entry(beam, head, tile));
  }

  void unmap(int page, int beam, int head, int tile) {
    table.remove(beam, head, tile);
    users.remove(page, entry(beam, head, tile));
  }

  private void freeIfUnused(int page) {
    if (users.count(page) > 0) {
      return;
    }
    if (published[page] && pagePins[page] == 0) {
      removeEvictable(page);
    }
    published[page] = false;
    pool.release(new int[] {page});
  }

  void addEvictable(int page) {
    evictionOrder.addNewest(page);
    evictable++;
  }

  void removeEvictable(int page) {
    evictionOrder.remove(page);
    evictable--;
  }

  /** A free page, after evicting the least recently used one where there is none. */
  int takePage() {
    if (pool.freePages() == 0) {
      int victim = evictionOrder.oldest();
      users.forEach(victim, this::forget);
      freeIfUnused(victim);
      evictions++;
    }
    int[] taken = pool.acquire(1);
    if (taken == null) {
      throw new IllegalStateException("no page is free after eviction");
    }
    return taken[0];
  }

  private void forget(int entry) {
    int line = entry / table.maxTiles();
    int page = table.entries()[entry];
    unmap(page, line / table.heads(), line % table.heads(), entry % table.maxTiles());
  }

  int entry(int beam, int head, int tile) {
    if (beam < 0 || beam >= table.rows() || head < 0 || head >= table.heads()) {
      throw new IllegalArgumentException(
          "%s is asked for; there are %d beams and %d heads"
              .formatted(name(beam, head, tile), table.rows(), table.heads()));
    }
    if (tile < 0 || tile >= table.maxTiles()) {
      throw new IllegalArgumentException(
          "%s is asked for; a beam has %d tiles"
              .formatted(name(beam, head, tile), table.maxTiles()));
    }
    return table.index(beam, head, tile);
  }

  private static String name(int beam, int head, int tile) {
    return "tile " + tile + " of beam " + beam + ", head " + head;
  }
}
