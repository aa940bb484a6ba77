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

/**
 * All rows of a tree in preorder, as runs: the rows that are one node's own. Says what each part of
 * the line costs. Immutable.
 *
 * <p>The nodes that a run touches first, coming from the left, are those numbered after the run
 * before it: a node without own rows has children, and so lies on the way to the next run.
 */
final class RowLine {

  private final PrefixTree tree;
  private final PlanCost cost;
  private final int[] nodes;
  private final long[] firstRow;
  private final long[] rowCosts;
  private final long[] newTiles;
  private final long[] costBefore;

  RowLine(PrefixTree tree, PlanCost cost) {
    this.tree = tree;
    this.cost = cost;
    int[] found = new int[tree.size()];
    int count = 0;
    for (int node = 0; node < tree.size(); node++) {
      if (tree.ownRows(node) > 0) {
        found[count++] = node;
      }
    }
    nodes = Arrays.copyOf(found, count);
    firstRow = new long[count + 1];
    rowCosts = new long[count];
    newTiles = new long[count];
    costBefore = new long[count + 1];
    for (int run = 0; run < count; run++) {
      int node = nodes[run];
      firstRow[run + 1] = firstRow[run] + tree.ownRows(node);
      rowCosts[run] = cost.ofRows(tree.ownRows(node), tree.ownTokens(node), tree.depth(node));
      for (int touched = run == 0 ? 0 : nodes[run - 1] + 1; touched <= node; touched++) {
        newTiles[run] += tree.tiles(touched);
      }
      costBefore[run + 1] = costBefore[run] + cost.ofTiles(newTiles[run]) + rowCosts[run];
    }
  }

  int runs() {
    return nodes.length;
  }

  int node(int run) {
    return nodes[run];
  }

  long rows() {
    return firstRow[runs()];
  }

  long rows(int run) {
    return firstRow[run + 1] - firstRow[run];
  }

  /** Rows before a run. */
  long firstRow(int run) {
    return firstRow[run];
  }

  /** The run that a row lies in. */
  int runOf(long row) {
    int found = Arrays.binarySearch(firstRow, row);
    return found >= 0 ? found : -found - 2;
  }

  /** Cost of everything, each prefix computed once. */
  long totalCost() {
    return costBefore[runs()];
  }

  /** Cost of all that lies before a run; one past the last run is allowed. */
  long costBefore(int run) {
    return costBefore[run];
  }

  /** The last run that begins at or before this cost. */
  int runAtCost(long atCost) {
    int low = 0;
    int high = runs() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (costBefore[middle] <= atCost) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** Cost of all before the row {@code offset} of a run, the run's prefix included. */
  long costBefore(int run, long offset) {
    return costBefore[run] + cost.ofTiles(newTiles[run]) + costOf(run, offset);
  }

  /** Cost of the first rows of a run, its prefix left out. */
  long costOf(int run, long rows) {
    return (long) ((double) rowCosts[run] * rows / rows(run));
  }

  /** What is computed twice where the line is cut before a row: the prefix that both sides need. */
  long costOfCut(long row) {
    return cost.ofTiles(sharedTiles(row));
  }

  private int sharedTiles(long row) {
    if (row <= 0 || row >= rows()) {
      return 0;
    }
    int run = runOf(row);
    return firstRow[run] < row
        ? tree.depth(nodes[run])
        : tree.depth(tree.parent(nodes[run - 1] + 1));
  }

  /** Cost of the rows from one to before another, on an executor that has nothing of them yet. */
  long cost(long from, long to) {
    if (from >= to) {
      return 0;
    }
    int first = runOf(from);
    long sum = cost.ofTiles(tree.depth(nodes[first]));
    for (int run = first; run < runs() && firstRow[run] < to; run++) {
      long start = Math.max(from, firstRow[run]) - firstRow[run];
      long end = Math.min(to, firstRow[run + 1]) - firstRow[run];
      sum += run == first ? 0 : cost.ofTiles(newTiles[run]);
      sum += costOf(run, end) - costOf(run, start);
    }
    return sum;
  }
}
