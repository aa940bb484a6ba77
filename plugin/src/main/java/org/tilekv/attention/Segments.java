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

import java.util.Arrays;

/**
 * The rows of one step: each segment is a run of consecutive positions of one page-table row. A
 * decode row is a segment of one token. Reused from step to step; not thread-safe while it is being
 * filled.
 */
public final class Segments {

  private int size;
  private int tokens;
  private int[] rows = new int[16];
  private int[] starts = new int[16];
  private int[] counts = new int[16];
  private int[] offsets = new int[16];

  /** Empties the list. */
  public void clear() {
    size = 0;
    tokens = 0;
  }

  /**
   * Adds positions {@code start} to {@code start + count - 1} of a page-table row.
   *
   * @return index of the segment
   */
  public int add(int row, int start, int count) {
    if (size == rows.length) {
      grow();
    }
    rows[size] = row;
    starts[size] = start;
    counts[size] = count;
    offsets[size] = tokens;
    tokens += count;
    return size++;
  }

  private void grow() {
    int length = 2 * rows.length;
    rows = Arrays.copyOf(rows, length);
    starts = Arrays.copyOf(starts, length);
    counts = Arrays.copyOf(counts, length);
    offsets = Arrays.copyOf(offsets, length);
  }

  /** Number of segments. */
  public int size() {
    return size;
  }

  /** Tokens of all segments together. */
  public int tokens() {
    return tokens;
  }

  /** Page-table row of a segment. */
  public int row(int segment) {
    return rows[segment];
  }

  /** Position of a segment's first token. */
  public int start(int segment) {
    return starts[segment];
  }

  /** Tokens of a segment. */
  public int count(int segment) {
    return counts[segment];
  }

  /** Index of a segment's first token among the tokens of the step. */
  public int offset(int segment) {
    return offsets[segment];
  }
}
