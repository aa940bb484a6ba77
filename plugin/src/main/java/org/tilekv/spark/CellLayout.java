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
package org.tilekv.spark;

import java.io.Serializable;

/**
 * How the partitions of an input are spread over cells. Task {@code cell * shards + rank} of the
 * barrier stage is a member; neighbouring input partitions go to the same cell, whose member 0 has
 * their rows.
 *
 * @param inputPartitions partitions of the input, and of the output
 * @param cells cells that work at once
 * @param shards members of a cell
 */
record CellLayout(int inputPartitions, int cells, int shards) implements Serializable {

  private static final int INDEX_BITS = 40;

  CellLayout {
    if (inputPartitions < 1 || cells < 1 || shards < 1) {
      throw new IllegalArgumentException(
          inputPartitions + " partitions, " + cells + " cells of " + shards + "; all from 1 on");
    }
  }

  /** Tasks of the barrier stage. */
  int tasks() {
    return cells * shards;
  }

  /** Place of a row in the input: keys sort as rows do. */
  static long key(int inputPartition, long index) {
    return (long) inputPartition << INDEX_BITS | index;
  }

  /** Input partition of a key. */
  static int inputPartition(long key) {
    return (int) (key >>> INDEX_BITS);
  }

  /** Task that has the rows of an input partition. */
  int task(int inputPartition) {
    return (int) ((long) inputPartition * cells / inputPartitions) * shards;
  }

  int cell(int task) {
    return task / shards;
  }

  int rank(int task) {
    return task % shards;
  }
}
