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

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What the kernels of a decode step read beside the page table: one int4 for each row, one behind
 * them, and the work list of shared prefixes. Layers with the same sliding window share a plan.
 *
 * <p>An entry is {page-table row, position, first block of keys | parts of a shared prefix << 24,
 * blocks of the rows before}. Rows of padding have no blocks. Used by one thread.
 */
public final class DecodePlan {

  /** Keys of a block; DECODE_KEYS in decode.cuh. */
  static final int BLOCK_KEYS = 64;

  private static final int ENTRY_BYTES = 4 * Integer.BYTES;
  private static final int PARTS_SHIFT = 24;

  private final int window;
  private final @Nullable SharedPrefixes shared;
  private final int[] firstKeys;
  private final int[] prefixParts;
  private int rowRoom;
  private int offset;
  private boolean sharing;

  /**
   * @param window sliding window in positions, 0 for none
   * @param shared finds shared prefixes; null where every row reads all of its keys
   */
  DecodePlan(int window, int maxRows, @Nullable SharedPrefixes shared) {
    this.window = window;
    this.shared = shared;
    firstKeys = new int[maxRows];
    prefixParts = new int[maxRows];
  }

  /** Bytes of a plan for steps of so many rows, a multiple of 16. */
  public int bytes(int rows) {
    int all = ENTRY_BYTES * (rows + 1) + (shared == null ? 0 : SharedPrefixes.bytes(rows));
    return (all + ENTRY_BYTES - 1) / ENTRY_BYTES * ENTRY_BYTES;
  }

  public int window() {
    return window;
  }

  /**
   * Writes the plan of the first segments of a step, one token each, from a multiple of 16 bytes
   * on.
   *
   * @param count rows: segments from the first on
   * @param room rows, padding included
   */
  public void write(Segments segments, int count, int room, ByteBuffer to, int at) {
    rowRoom = room;
    offset = at;
    sharing = false;
    if (shared != null && shared.find(segments, count, room)) {
      sharing = true;
      shared.describe(firstKeys, prefixParts);
      shared.write(segments, to, at + ENTRY_BYTES * (room + 1));
    }
    int blocks = 0;
    for (int i = 0; i < room; i++) {
      boolean real = i < count;
      int position = real ? segments.start(i) : -1;
      int first = real ? firstBlock(i, position) : 0;
      int entry = first | (sharing && real ? prefixParts[i] << PARTS_SHIFT : 0);
      put(to, at + ENTRY_BYTES * i, real ? segments.row(i) : 0, position, entry, blocks);
      blocks += real ? position / BLOCK_KEYS - first + 1 : 0;
    }
    put(to, at + ENTRY_BYTES * room, 0, 0, 0, blocks);
  }

  private int firstBlock(int row, int position) {
    int first = window == 0 ? 0 : Math.max(0, position - window + 1);
    return Math.max(first, sharing ? firstKeys[row] : 0) / BLOCK_KEYS;
  }

  private static void put(ByteBuffer to, int at, int x, int y, int z, int w) {
    to.putInt(at, x).putInt(at + 4, y).putInt(at + 8, z).putInt(at + 12, w);
  }

  /** Rows of the last step, padding included. */
  int rows() {
    return rowRoom;
  }

  /** Whether rows of the last step read a prefix together. */
  public boolean sharing() {
    return sharing;
  }

  /** Where the entries are, given the address of the buffer. */
  long entries(long buffer) {
    return buffer + offset;
  }

  long sharedCount(long buffer) {
    return entries(buffer) + (long) ENTRY_BYTES * (rowRoom + 1);
  }

  long sharedItems(long buffer) {
    return sharedCount(buffer) + SharedPrefixes.itemsAt(0);
  }

  long sharedMembers(long buffer) {
    return sharedCount(buffer) + SharedPrefixes.membersAt(0);
  }
}
