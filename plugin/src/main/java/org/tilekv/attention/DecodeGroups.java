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

import org.tilekv.page.PageTable;

/**
 * Decode rows of a step in groups that begin with the same pages, so that these are read once for
 * all rows of a group. Reused from step to step.
 *
 * <p>Greedy: a row joins the first group whose pages it shares for at least half of the leader's
 * context, unless the group would lose more by what the row does not share.
 */
final class DecodeGroups {

  private final int tileTokens;
  private final int span;
  private final int heads;
  private int size;
  private int[] firsts = new int[17];
  private int[] sharedEnds = new int[16];
  private int[] segments = new int[16];
  private int[] left = new int[16];

  /**
   * @param span positions that are attended at once; what is shared is a multiple of it
   */
  DecodeGroups(int tileTokens, int span, int heads) {
    this.tileTokens = tileTokens;
    this.span = span;
    this.heads = heads;
  }

  /** Groups all segments of one token, at most {@code mostRows} in a group. */
  void find(Segments step, PageTable table, int mostRows) {
    size = 0;
    reserve(step.size());
    int waiting = 0;
    for (int segment = 0; segment < step.size(); segment++) {
      if (step.count(segment) == 1) {
        left[waiting++] = segment;
      }
    }
    int grouped = 0;
    while (grouped < waiting) {
      grouped = group(step, table, grouped, waiting, mostRows);
    }
    firsts[size] = grouped;
  }

  /** No groups. */
  void clear() {
    size = 0;
  }

  private void reserve(int rows) {
    if (rows > left.length) {
      firsts = new int[2 * rows + 1];
      sharedEnds = new int[2 * rows];
      segments = new int[2 * rows];
      left = new int[2 * rows];
    }
  }

  /**
   * Makes a group of the first row that is left and of those that share with it; the rest moves up.
   *
   * @return rows that are in groups now
   */
  private int group(Segments step, PageTable table, int from, int end, int mostRows) {
    int leader = left[from];
    int all = wholeSpans(step.start(leader));
    int shared = all;
    int members = 1;
    int kept = from + 1;
    segments[from] = leader;
    firsts[size] = from;
    for (int i = from + 1; i < end; i++) {
      int segment = left[i];
      int common = members == mostRows ? 0 : common(step, table, leader, segment, shared);
      if (2 * common >= all && members * common > (members - 1) * shared) {
        shared = common;
        segments[from + members++] = segment;
      } else {
        kept = keep(i, kept);
      }
    }
    // Rows that are left come behind the group in the order that they had.
    System.arraycopy(left, from + 1, left, from + members, kept - from - 1);
    sharedEnds[size++] = members == 1 ? 0 : shared;
    return from + members;
  }

  private int keep(int at, int to) {
    left[to] = left[at];
    return to + 1;
  }

  /** Positions in whole spans that a token sees. */
  private int wholeSpans(int start) {
    return (start + 1) / span * span;
  }

  /** Positions from the first on, in whole spans, that two rows have on the same pages. */
  private int common(Segments step, PageTable table, int a, int b, int most) {
    int limit = Math.min(most, wholeSpans(step.start(b)));
    int tile = 0;
    while (tile * tileTokens < limit && same(table, step.row(a), step.row(b), tile)) {
      tile++;
    }
    return Math.min(limit, tile * tileTokens / span * span);
  }

  private boolean same(PageTable table, int a, int b, int tile) {
    for (int head = 0; head < heads; head++) {
      int page = table.lookup(a, head, tile);
      if (page == PageTable.NO_PAGE || page != table.lookup(b, head, tile)) {
        return false;
      }
    }
    return true;
  }

  int size() {
    return size;
  }

  int rows(int group) {
    return firsts[group + 1] - firsts[group];
  }

  /** Segment of a row of a group. */
  int segment(int group, int row) {
    return segments[firsts[group] + row];
  }

  /** Positions before this one are on the same pages for all rows of the group; 0 for one row. */
  int sharedEnd(int group) {
    return sharedEnds[group];
  }
}
