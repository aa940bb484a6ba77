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

import java.util.function.LongSupplier;
import org.tilekv.EvictionOrder;
import org.tilekv.TileGeometry;
import org.tilekv.prefix.Namespace;

/**
 * What a {@link TileCache} is made of.
 *
 * @param geometry shape of a tile
 * @param pages pages of the pool; a tile index of a sequence takes one per KV head
 * @param rows page-table rows: beams that can be open at once
 * @param maxTiles tiles of the longest sequence
 * @param namespace digest of everything that changes the content of K and V
 * @param leaseTtlMs time without reserve, commit or renewal after which a sequence may be closed
 * @param prefixReuse whether tiles are named and matched at all
 * @param eviction in which order tiles that no row uses are dropped for room
 * @param clockMs milliseconds that only go forward
 */
public record TileCacheOptions(
    TileGeometry geometry,
    int pages,
    int rows,
    int maxTiles,
    Namespace namespace,
    long leaseTtlMs,
    boolean prefixReuse,
    EvictionOrder eviction,
    LongSupplier clockMs) {

  /** Evicts by plan, where there is one. */
  public TileCacheOptions(
      TileGeometry geometry,
      int pages,
      int rows,
      int maxTiles,
      Namespace namespace,
      long leaseTtlMs,
      boolean prefixReuse,
      LongSupplier clockMs) {
    this(
        geometry,
        pages,
        rows,
        maxTiles,
        namespace,
        leaseTtlMs,
        prefixReuse,
        EvictionOrder.PLAN,
        clockMs);
  }

  public TileCacheOptions {
    if (pages < geometry.kvHeads()) {
      throw new IllegalArgumentException(
          "pages is " + pages + "; one tile index alone needs " + geometry.kvHeads());
    }
    if (rows < 1) {
      throw new IllegalArgumentException("rows is " + rows + "; it must be at least 1");
    }
    if (maxTiles < 1) {
      throw new IllegalArgumentException("maxTiles is " + maxTiles + "; it must be at least 1");
    }
    if (leaseTtlMs < 1) {
      throw new IllegalArgumentException("leaseTtlMs is " + leaseTtlMs + "; it must be at least 1");
    }
  }
}
