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

import org.tilekv.TileGeometry;
import org.tilekv.page.PageTable;

/** The checked shape of one attention: heads, head dim and what each query head reads. */
record AttentionShape(int queryHeads, int kvHeads, int headDim, float scale) {

  AttentionShape {
    if (queryHeads < 1 || queryHeads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "queryHeads is "
              + queryHeads
              + "; it must be a positive multiple of kvHeads, "
              + kvHeads);
    }
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("scale is " + scale + "; it must be finite");
    }
  }

  static AttentionShape of(KvMemory memory, int queryHeads, float scale) {
    TileGeometry geometry = memory.arena().geometry();
    if (memory.table().heads() != geometry.kvHeads()) {
      throw new IllegalArgumentException(
          "the page table has "
              + memory.table().heads()
              + " heads; the tile geometry has "
              + geometry.kvHeads());
    }
    return new AttentionShape(queryHeads, geometry.kvHeads(), geometry.headDim(), scale);
  }

  /** Query heads that share one KV head. */
  int groupSize() {
    return queryHeads / kvHeads;
  }

  /** First position that a token at {@code position} sees. */
  static int firstVisible(int position, int window) {
    return window == 0 ? 0 : Math.max(0, position - window + 1);
  }

  /** Page of a tile; an absent one is an error of the caller. */
  static int page(PageTable table, int row, int head, int tile) {
    int page = table.lookup(row, head, tile);
    if (page == PageTable.NO_PAGE) {
      throw new IllegalStateException(
          "row " + row + ", head " + head + ", tile " + tile + " has no page");
    }
    return page;
  }

  static void checkWindow(int window) {
    if (window < 0) {
      throw new IllegalArgumentException(
          "window is " + window + "; allowed are 0 for none and positive numbers");
    }
  }
}
