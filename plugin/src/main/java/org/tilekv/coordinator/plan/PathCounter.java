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
 * Counts what the rows of one partition share: rows come in as paths of tile names, tree nodes go
 * out as bytes, spread over buckets by name so that each bucket can be added up apart.
 *
 * <p>A name stands for all tokens before it as well, so paths that are sorted lie in the order of
 * the tree, and two neighbours have in common what any two rows between them have. Nodes of two
 * rows and more are told at every depth. What a row has alone may still be shared with other
 * partitions: it is told at every depth while that is little, else at depths that grow by a third
 * to a half, the same ones in every partition. So what one partition alone has costs little, and
 * the depth of what is rare in each is known up to a third.
 *
 * <p>Holds at most {@value #MAX_NAMES} names at a time, and rows for an eighth of that. Confined to
 * one thread.
 */
public final class PathCounter {

  /** Names held before they are counted: 16 MiB. */
  static final int MAX_NAMES = 2 << 20;

  /** Names of single rows that are all told, per {@value #MAX_NAMES} counted ones. */
  static final int EXACT_NAMES = 64 << 10;

  /** Rows with fewer names than this on average are counted by their number. */
  private static final int NAMES_PER_ROW = 8;

  private final NodeBytes[] buckets;
  private final int maxNames;
  private final int maxRows;
  private final int exactNames;
  private long[] names = new long[1 << 10];
  private int[] starts = new int[1 << 6];
  private long[] tokens = new long[1 << 6];
  private int rows;

  /** Counts into so many buckets. */
  public PathCounter(int buckets) {
    this(buckets, MAX_NAMES, EXACT_NAMES);
  }

  PathCounter(int buckets, int maxNames, int exactNames) {
    this.buckets = new NodeBytes[buckets];
    Arrays.setAll(this.buckets, i -> new NodeBytes());
    this.maxNames = maxNames;
    maxRows = Math.max(1, maxNames / NAMES_PER_ROW);
    this.exactNames = exactNames;
  }

  /**
   * Adds a row.
   *
   * @param path names of its full tiles in order; empty for a row that shares nothing
   * @param promptTokens tokens of its prompt
   */
  public void add(long[] path, int promptTokens) {
    if (rows > 0 && (rows >= maxRows || starts[rows] + path.length > maxNames)) {
      count();
    }
    if (rows + 2 > starts.length) {
      starts = Arrays.copyOf(starts, 2 * starts.length);
      tokens = Arrays.copyOf(tokens, starts.length);
    }
    int end = starts[rows] + path.length;
    if (end > names.length) {
      names = Arrays.copyOf(names, Math.max(2 * names.length, end));
    }
    System.arraycopy(path, 0, names, starts[rows], path.length);
    tokens[rows] = promptTokens;
    starts[++rows] = end;
  }

  /** Rows that there is room for now. */
  int heldRows() {
    return tokens.length;
  }

  /** The nodes of all rows, by bucket, as {@link NodeTable#addAll} reads them. */
  public byte[][] finish() {
    count();
    return Arrays.stream(buckets).map(NodeBytes::toByteArray).toArray(byte[][]::new);
  }

  private void count() {
    if (rows > 0) {
      new SortedPaths(names, starts, tokens, rows).tell(exactNames, this::write);
      rows = 0;
    }
  }

  private void write(
      long name, long parent, int depth, int parentDepth, long nodeRows, long nodeTokens) {
    NodeBytes bucket = buckets[(int) Math.floorMod(name >>> 16, (long) buckets.length)];
    NodeTable.write(bucket, name, parent, depth, parentDepth, nodeRows, nodeTokens);
  }
}
