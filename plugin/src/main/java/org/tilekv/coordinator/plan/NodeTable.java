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
 * Counted tree nodes in columns, one per tile name; what comes again under a name is added up.
 *
 * <p>A node says how many rows have its prefix and how many prompt tokens these rows have in all.
 * It names an ancestor: the one right above it, or, where its partition left some out, the next one
 * that it told of. The deepest ancestor that any partition named is kept. Confined to one thread.
 */
public final class NodeTable {

  /** Name of the root, which all rows have; it is no tile. */
  static final long ROOT = 0;

  private final LongIndex index;
  private int size;
  private long[] names;
  private long[] parents;
  private int[] depths;
  private int[] parentDepths;
  private long[] rows;
  private long[] tokens;

  public NodeTable() {
    this(64);
  }

  private NodeTable(int expected) {
    index = new LongIndex(expected);
    names = new long[expected];
    parents = new long[expected];
    depths = new int[expected];
    parentDepths = new int[expected];
    rows = new long[expected];
    tokens = new long[expected];
  }

  /** Writes one node as {@link #addAll} reads it. */
  static void write(
      NodeBytes out, long name, long parent, int depth, int parentDepth, long rows, long tokens) {
    out.writeName(name);
    out.writeNumber(depth);
    if (depth > 0) {
      out.writeName(parent);
      out.writeNumber(depth - parentDepth);
    }
    out.writeNumber(rows);
    out.writeNumber(tokens);
  }

  /** Adds the nodes that {@link PathCounter} or {@link #encode} wrote. */
  public void addAll(byte[] nodes) {
    NodeBytes in = new NodeBytes(nodes);
    while (in.hasMore()) {
      long name = in.readName();
      int depth = in.readInt();
      long parent = depth == 0 ? ROOT : in.readName();
      int parentDepth = depth == 0 ? 0 : depth - in.readInt();
      add(name, parent, depth, parentDepth, in.readNumber(), in.readNumber());
    }
  }

  private void add(
      long name, long parent, int depth, int parentDepth, long moreRows, long moreTokens) {
    int node = index.putIfAbsent(name, size);
    if (node == size) {
      ensureRoom();
      size++;
      names[node] = name;
      depths[node] = depth;
      parentDepths[node] = -1;
    }
    if (parentDepth > parentDepths[node]) {
      parents[node] = parent;
      parentDepths[node] = parentDepth;
    }
    rows[node] += moreRows;
    tokens[node] += moreTokens;
  }

  private void ensureRoom() {
    if (size == names.length) {
      int more = 2 * size;
      names = Arrays.copyOf(names, more);
      parents = Arrays.copyOf(parents, more);
      depths = Arrays.copyOf(depths, more);
      parentDepths = Arrays.copyOf(parentDepths, more);
      rows = Arrays.copyOf(rows, more);
      tokens = Arrays.copyOf(tokens, more);
    }
  }

  /**
   * The root and the nodes of at least two rows, as bytes for {@link #addAll}. Where these are more
   * than {@code most}, those of the fewest rows are left out.
   */
  public byte[] encodeShared(int most) {
    long leastRows = leastRows(most);
    NodeBytes out = new NodeBytes();
    for (int i = 0; i < size; i++) {
      if (rows[i] >= leastRows || depths[i] == 0) {
        write(out, names[i], parents[i], depths[i], parentDepths[i], rows[i], tokens[i]);
      }
    }
    return out.toByteArray();
  }

  /** Rows that a node must have, at least two, for at most so many to remain. */
  private long leastRows(int most) {
    long[] sorted = Arrays.copyOf(rows, size);
    Arrays.sort(sorted);
    long limit = size > most ? sorted[size - most - 1] + 1 : 0;
    return Math.max(2, limit);
  }

  int size() {
    return size;
  }

  int find(long name) {
    return index.get(name);
  }

  long name(int node) {
    return names[node];
  }

  long parent(int node) {
    return parents[node];
  }

  int depth(int node) {
    return depths[node];
  }

  long rows(int node) {
    return rows[node];
  }

  long tokens(int node) {
    return tokens[node];
  }
}
