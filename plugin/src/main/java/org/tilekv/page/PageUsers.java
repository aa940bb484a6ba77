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
import java.util.function.IntConsumer;

/**
 * Which entries of a page table point to each page: doubly linked lists in int arrays. O(1) but for
 * {@link #forEach}, no garbage. Confined to the holder's lock or thread.
 */
public final class PageUsers {
  private static final int END = -1;

  private final int[] first;
  private final int[] count;
  private final int[] next;
  private final int[] previous;

  /**
   * Lists for pages 0 to {@code pages - 1}, all empty.
   *
   * @param entries entries of the table
   */
  public PageUsers(int pages, int entries) {
    first = new int[pages];
    count = new int[pages];
    next = new int[entries];
    previous = new int[entries];
    Arrays.fill(first, END);
  }

  /** An entry, which is in no list, now points to a page. */
  public void add(int page, int entry) {
    int old = first[page];
    next[entry] = old;
    previous[entry] = END;
    if (old != END) {
      previous[old] = entry;
    }
    first[page] = entry;
    count[page]++;
  }

  /** An entry no longer points to a page. */
  public void remove(int page, int entry) {
    if (previous[entry] == END) {
      first[page] = next[entry];
    } else {
      next[previous[entry]] = next[entry];
    }
    if (next[entry] != END) {
      previous[next[entry]] = previous[entry];
    }
    count[page]--;
  }

  /** Entries that point to a page. */
  public int count(int page) {
    return count[page];
  }

  /** Visits the entries of a page; the visitor may remove the one it is given. */
  public void forEach(int page, IntConsumer visitor) {
    for (int entry = first[page]; entry != END; ) {
      int following = next[entry];
      visitor.accept(entry);
      entry = following;
    }
  }
}
