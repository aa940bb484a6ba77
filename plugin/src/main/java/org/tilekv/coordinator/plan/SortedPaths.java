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
package org.tilekv.coordinator.plan;

import java.util.Arrays;

/** Paths in the order of their tree. Confined to one call of {@link PathCounter}. */
final class SortedPaths {

  private final long[] names;
  private final int[] starts;
  private final long[] tokens;
  private final Integer[] order;

  /** Takes a node. */
  @FunctionalInterface
  interface Sink {
    void node(long name, long parent, int depth, int parentDepth, long rows, long tokens);
  }

  /**
   * @param starts where the path of each row begins in {@code names}, and where the last one ends
   */
  SortedPaths(long[] names, int[] starts, long[] tokens, int rows) {
    this.names = names;
    this.starts = starts;
    this.tokens = tokens;
    order = new Integer[rows];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, this::compare);
  }

  private int length(int row) {
    return starts[row + 1] - starts[row];
  }

  private long name(int row, int depth) {
    return names[starts[row] + depth - 1];
  }

  private int compare(int a, int b) {
    int common = common(a, b);
    if (common == Math.min(length(a), length(b))) {
      return Integer.compare(length(a), length(b));
    }
    return Long.compare(name(a, common + 1), name(b, common + 1));
  }

  /** Depth to which two rows agree. Equal names have equal names before them: halve. */
  private int common(int a, int b) {
    int agree = 0;
    int differ = Math.min(length(a), length(b)) + 1;
    while (differ - agree > 1) {
      int middle = (agree + differ) >>> 1;
      if (name(a, middle) == name(b, middle)) {
        agree = middle;
      } else {
        differ = middle;
      }
    }
    return agree;
  }

  /** Tells all nodes, each once; of the names of single rows all or, if they are many, some. */
  void tell(int exactNames, Sink sink) {
    int[] commons = new int[order.length + 1];
    long single = 0;
    for (int i = 0; i < order.length; i++) {
      commons[i + 1] = i + 1 < order.length ? common(order[i], order[i + 1]) : 0;
      single += length(order[i]) - Math.max(commons[i], commons[i + 1]);
    }
    tellShared(commons, sink);
    for (int i = 0; i < order.length; i++) {
      tellSingle(order[i], Math.max(commons[i], commons[i + 1]), single <= exactNames, sink);
    }
  }

  private void tellShared(int[] commons, Sink sink) {
    int deepest = Arrays.stream(commons).max().orElse(0);
    long[] rowsAt = new long[deepest + 1];
    long[] tokensAt = new long[deepest + 1];
    for (int i = 0; i < order.length; i++) {
      int row = order[i];
      for (int depth = 0; depth <= Math.max(commons[i], commons[i + 1]); depth++) {
        rowsAt[depth]++;
        tokensAt[depth] += tokens[row];
      }
      int least = i + 1 < order.length ? commons[i + 1] + 1 : 0;
      for (int depth = Math.max(commons[i], commons[i + 1]); depth >= least; depth--) {
        long name = depth == 0 ? NodeTable.ROOT : name(row, depth);
        sink.node(
            name, above(row, depth), depth, Math.max(0, depth - 1), rowsAt[depth], tokensAt[depth]);
        rowsAt[depth] = 0;
        tokensAt[depth] = 0;
      }
    }
  }

  private long above(int row, int depth) {
    return depth <= 1 ? NodeTable.ROOT : name(row, depth - 1);
  }

  private void tellSingle(int row, int shared, boolean exactly, Sink sink) {
    int parentDepth = shared;
    for (int depth = nextDepth(shared, exactly);
        depth <= length(row);
        depth = nextDepth(depth, exactly)) {
      long parent = parentDepth == 0 ? NodeTable.ROOT : name(row, parentDepth);
      sink.node(name(row, depth), parent, depth, parentDepth, 1, tokens[row]);
      parentDepth = depth;
    }
  }

  /** The next depth after one; where not every one is told 1, 2, 3, 4, 6, 8, 12, 16, 24 ... */
  static int nextDepth(int depth, boolean exactly) {
    int power = Integer.highestOneBit(Math.max(1, depth));
    if (exactly || depth < 2) {
      return depth + 1;
    }
    int half = power + power / 2;
    return depth < half ? half : 2 * power;
  }
}
