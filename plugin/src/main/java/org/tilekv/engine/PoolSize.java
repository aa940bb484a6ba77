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
package org.tilekv.engine;

import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;

/** How many pages a pool of so many bytes has. */
final class PoolSize {
  private PoolSize() {}

  /**
   * Whole pages of a pool on the heap.
   *
   * @param heapBytes most bytes that the heap can grow to
   * @throws TileKvException where the pool does not hold one tile of every KV head, or is larger
   *     than the heap
   */
  static int pages(TileGeometry geometry, long poolBytes, long heapBytes) {
    long pages = poolBytes / geometry.tileBytes();
    if (pages < geometry.kvHeads()) {
      throw new TileKvException(
          "a pool of "
              + poolBytes
              + " bytes holds "
              + pages
              + " pages of "
              + geometry.tileBytes()
              + " bytes; a sequence needs one page for each of "
              + geometry.kvHeads()
              + " KV heads, so at least "
              + (long) geometry.kvHeads() * geometry.tileBytes()
              + " bytes");
    }
    if (poolBytes > heapBytes) {
      throw tooLarge(poolBytes, heapBytes);
    }
    return (int) Math.min(pages, Integer.MAX_VALUE);
  }

  /** The pool does not fit into the heap. */
  static TileKvException tooLarge(long poolBytes, long heapBytes) {
    return new TileKvException(
        "a pool of "
            + poolBytes
            + " bytes does not fit into a heap of at most "
            + heapBytes
            + " bytes, which holds the weights as well: make the pool smaller or the heap larger");
  }
}
