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
 * The tree of what rows share, its nodes numbered in preorder from the root, 0. Brothers are in the
 * order of their names, so that the same rows give the same tree. Immutable.
 *
 * <p>A row is a node's own where the node is the deepest one that it has.
 */
final class PrefixTree {

  private final long[] names;
  private final int[] parents;
  private final int[] depths;
  private final long[] rows;
  private final long[] ownRows;
  private final long[] ownTokens;

  private PrefixTree(int size) {
    names = new long[size];
    parents = new int[size];
    depths = new int[size];
    rows = new long[size];
    ownRows = new long[size];
    ownTokens = new long[size];
  }

  /** The tree of a table's shared nodes; those whose ancestor is not there are left out. */
  static PrefixTree of(NodeTable table) {
    Integer[] byDepth = new Integer[table.size()];
    Arrays.setAll(byDepth, i -> i);
    Arrays.sort(
        byDepth,
        (a, b) ->
            table.depth(a) != table.depth(b)
                ? Integer.compare(table.depth(a), table.depth(b))
                : Long.compare(table.name(a), table.name(b)));
    int[] parents = new int[table.size()];
    int[] firstChild = new int[table.size()];
    int[] nextBrother = new int[table.size()];
    int kept = link(table, byDepth, parents, firstChild, nextBrother);
    PrefixTree tree = new PrefixTree(Math.max(1, kept));
    if (kept > 0) {
      tree.number(table, byDepth[0], firstChild, nextBrother);
    }
    return tree;
  }

  /** Links brothers in the order of their names; returns how many nodes hang on the root. */
  private static int link(
      NodeTable table, Integer[] byDepth, int[] parents, int[] firstChild, int[] nextBrother) {
    boolean[] kept = new boolean[table.size()];
    int count = 0;
    for (int node : byDepth) {
      parents[node] = table.depth(node) == 0 ? node : table.find(table.parent(node));
      boolean shared = table.rows(node) > 1 && parents[node] != LongIndex.NONE;
      kept[node] = table.depth(node) == 0 || shared && kept[parents[node]];
      count += kept[node] ? 1 : 0;
    }
    Arrays.fill(firstChild, LongIndex.NONE);
    Arrays.fill(nextBrother, LongIndex.NONE);
    for (int i = byDepth.length - 1; i > 0; i--) {
      int node = byDepth[i];
      if (kept[node]) {
        nextBrother[node] = firstChild[parents[node]];
        firstChild[parents[node]] = node;
      }
    }
    return count;
  }

  private void number(NodeTable table, int root, int[] firstChild, int[] nextBrother) {
    int[] stack = new int[table.size()];
    int[] parentOf = new int[table.size()];
    int height = 0;
    int next = 0;
    stack[height++] = root;
    while (height > 0) {
      int node = stack[--height];
      names[next] = table.name(node);
      parents[next] = parentOf[node];
      depths[next] = table.depth(node);
      rows[next] = table.rows(node);
      ownTokens[next] = table.tokens(node);
      int from = height;
      for (int child = firstChild[node]; child != LongIndex.NONE; child = nextBrother[child]) {
        parentOf[child] = next;
        stack[height++] = child;
      }
      reverse(stack, from, height);
      next++;
    }
    subtractChildren();
  }

  private static void reverse(int[] values, int from, int to) {
    for (int a = from, b = to - 1; a < b; a++, b--) {
      int held = values[a];
      values[a] = values[b];
      values[b] = held;
    }
  }

  /** A node left out somewhere may have been counted too low: never below its children. */
  private void subtractChildren() {
    long[] childRows = new long[names.length];
    long[] childTokens = new long[names.length];
    for (int node = names.length - 1; node >= 0; node--) {
      rows[node] = Math.max(rows[node], childRows[node]);
      long tokens = Math.max(ownTokens[node], childTokens[node]);
      ownRows[node] = rows[node] - childRows[node];
      ownTokens[node] = ownRows[node] == 0 ? 0 : tokens - childTokens[node];
      if (node > 0) {
        childRows[parents[node]] += rows[node];
        childTokens[parents[node]] += tokens;
      }
    }
  }

  /** Nodes, the root included. */
  int size() {
    return names.length;
  }

  long name(int node) {
    return names[node];
  }

  /** The node that it hangs on; the root on itself. */
  int parent(int node) {
    return parents[node];
  }

  /** Tiles of its prefix. */
  int depth(int node) {
    return depths[node];
  }

  /** Rows that have its prefix. */
  long rows(int node) {
    return rows[node];
  }

  long ownRows(int node) {
    return ownRows[node];
  }

  /** Prompt tokens of its own rows. */
  long ownTokens(int node) {
    return ownTokens[node];
  }

  /** Tiles between it and the node that it hangs on. */
  int tiles(int node) {
    return depths[node] - depths[parents[node]];
  }
}
