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

import java.util.BitSet;

/**
 * Which pages of a pool are free. Pages are handed out lowest first after creation, last freed
 * first later, so that a pool that is not full touches little memory. Confined to the holder's
 * lock.
 */
public final class PagePool {

  private final int[] free;
  private final BitSet isFree;
  private int freeCount;

  /** A pool of pages 0 to {@code pages - 1}, all free. */
  public PagePool(int pages) {
    if (pages < 1) {
      throw new IllegalArgumentException("pages is " + pages + "; it must be at least 1");
    }
    free = new int[pages];
    isFree = new BitSet(pages);
    isFree.set(0, pages);
    for (int i = 0; i < pages; i++) {
      free[i] = pages - 1 - i;
    }
    freeCount = pages;
  }

  public int pages() {
    return free.length;
  }

  public int freePages() {
    return freeCount;
  }

  /** Whether a page is free. */
  public boolean isFree(int page) {
    return isFree.get(page);
  }

  /** Takes {@code count} pages, or returns null and takes none where fewer are free. */
  public int @org.jspecify.annotations.Nullable [] acquire(int count) {
    if (count > freeCount) {
      return null;
    }
    int[] pages = new int[count];
    for (int i = 0; i < count; i++) {
      pages[i] = free[--freeCount];
      isFree.clear(pages[i]);
    }
    return pages;
  }

  /** Gives pages back. */
  public void release(int[] pages) {
    for (int page : pages) {
      if (isFree.get(page)) {
        throw new IllegalStateException("page " + page + " is given back twice");
      }
      isFree.set(page);
      free[freeCount++] = page;
    }
  }

  /** Verifies that the free list and the free bits agree. */
  public void checkIntegrity() {
    if (isFree.cardinality() != freeCount) {
      throw new IllegalStateException(
          "the free list has " + freeCount + " pages, the free bits " + isFree.cardinality());
    }
    for (int i = 0; i < freeCount; i++) {
      if (!isFree.get(free[i])) {
        throw new IllegalStateException("page " + free[i] + " is listed as free and is not");
      }
    }
  }
}
