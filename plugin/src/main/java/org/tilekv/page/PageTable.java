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

import java.util.Arrays;

/**
 * The linear 3-D table {@code [beam, head, tile] -> page id}.
 *
 * <p>Confined to the holder's lock for writes; readers of a row are ordered after its writes by
 * whoever hands them the row.
 */
public final class PageTable {

  /** Entry of a tile that has no page. */
  public static final int NO_PAGE = -1;

  private final int rows;
  private final int heads;
  private final int maxTiles;
  private final int[] entries;

  /**
   * @param rows page-table rows: beams that can be open at once
   * @param heads KV heads
   * @param maxTiles tiles of the longest sequence
   */
  public PageTable(int rows, int heads, int maxTiles) {
    this.rows = rows;
    this.heads = heads;
    this.maxTiles = maxTiles;
    this.entries = new int[Math.multiplyExact(Math.multiplyExact(rows, heads), maxTiles)];
    Arrays.fill(entries, NO_PAGE);
  }

  public int rows() {
    return rows;
  }

  public int heads() {
    return heads;
  }

  public int maxTiles() {
    return maxTiles;
  }

  /** Linear index of an entry; a head's tiles are consecutive. */
  public int index(int beam, int head, int tile) {
    return (beam * heads + head) * maxTiles + tile;
  }

  /** Page of a tile, or {@link #NO_PAGE}. */
  public int lookup(int beam, int head, int tile) {
    return entries[index(beam, head, tile)];
  }

  /** Points a tile to a page. */
  public void assign(int beam, int head, int tile, int page) {
    entries[index(beam, head, tile)] = page;
  }

  /** The table itself, for kernels: read-only by contract. */
  public int[] entries() {
    return entries;
  }
}
