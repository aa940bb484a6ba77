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
 * The linear 3-D table {@code [beam, head, tile] -> page id}, with the ranges that changed since
 * the last upload.
 *
 * <p>Changes and uploads are atomic, so that a thread can upload while another one closes a row;
 * readers of a row are ordered after its writes by whoever hands them the row. {@link
 * #syncToDevice} takes time for what changed, {@link #clear()} for the whole table, all else is
 * constant.
 */
public final class PageTable {

  /** Entry of a tile that has no page. */
  public static final int NO_PAGE = -1;

  private final int rows;
  private final int heads;
  private final int maxTiles;
  private final int[] entries;
  // First changed tile and one past the last of each (beam, head), equal where nothing changed.
  private final int[] dirtyFrom;
  private final int[] dirtyTo;
  // The lines, beam * heads + head, that changed, in the order of their first change.
  private final int[] dirtyLines;
  private int dirtyCount;

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
    dirtyFrom = new int[rows * heads];
    dirtyTo = new int[rows * heads];
    dirtyLines = new int[rows * heads];
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
  public synchronized void assign(int beam, int head, int tile, int page) {
    if (tile < 0 || tile >= maxTiles) {
      throw new IllegalArgumentException(
          "tile is " + tile + "; this table has tiles 0 to " + (maxTiles - 1));
    }
    entries[index(beam, head, tile)] = page;
    markDirty(beam * heads + head, tile);
  }

  /** Forgets a tile's page and returns it, or {@link #NO_PAGE}. */
  public synchronized int remove(int beam, int head, int tile) {
    int page = lookup(beam, head, tile);
    assign(beam, head, tile, NO_PAGE);
    return page;
  }

  /** Forgets the first {@code tiles} tiles of a row, all heads. */
  public synchronized void clear(int beam, int tiles) {
    for (int head = 0; head < heads; head++) {
      for (int tile = 0; tile < tiles; tile++) {
        assign(beam, head, tile, NO_PAGE);
      }
    }
  }

  /** Forgets everything. */
  public synchronized void clear() {
    Arrays.fill(entries, NO_PAGE);
    Arrays.fill(dirtyFrom, 0);
    Arrays.fill(dirtyTo, maxTiles);
    dirtyCount = dirtyLines.length;
    Arrays.setAll(dirtyLines, line -> line);
  }

  private void markDirty(int line, int tile) {
    if (dirtyFrom[line] == dirtyTo[line]) {
      dirtyLines[dirtyCount++] = line;
      dirtyFrom[line] = tile;
      dirtyTo[line] = tile + 1;
      return;
    }
    dirtyFrom[line] = Math.min(dirtyFrom[line], tile);
    dirtyTo[line] = Math.max(dirtyTo[line], tile + 1);
  }

  /**
   * Uploads what changed since the last call: one range per (beam, head), in the order in which
   * they changed, merged with the one before where it continues that.
   *
   * @return entries uploaded
   */
  public synchronized int syncToDevice(PageTableMirror mirror) {
    int uploaded = 0;
    int from = 0;
    int to = 0;
    for (int i = 0; i < dirtyCount; i++) {
      int line = dirtyLines[i];
      int lineFrom = line * maxTiles + dirtyFrom[line];
      if (lineFrom != to || to == from) {
        uploaded += upload(mirror, from, to);
        from = lineFrom;
      }
      to = line * maxTiles + dirtyTo[line];
      dirtyFrom[line] = 0;
      dirtyTo[line] = 0;
    }
    dirtyCount = 0;
    return uploaded + upload(mirror, from, to);
  }

  private int upload(PageTableMirror mirror, int from, int to) {
    if (from < to) {
      mirror.upload(entries, from, to);
    }
    return to - from;
  }

  /** The table itself, for kernels: read-only by contract. */
  public int[] entries() {
    return entries;
  }
}
