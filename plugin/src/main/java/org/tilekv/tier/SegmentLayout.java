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
package org.tilekv.tier;

/**
 * Where things are in a segment file: the header, one entry per slot, then the slots' bytes on
 * boundaries of a disk block.
 *
 * @param groupBytes bytes of one group
 * @param tileTokens token ids in an entry
 * @param slots groups that fit, 1 or more
 */
record SegmentLayout(int groupBytes, int tileTokens, int slots) {
  static final int BLOCK_BYTES = 4096;

  static SegmentLayout of(TileFileHeader header) {
    return new SegmentLayout(
        header.heads() * header.geometry().tileBytes(),
        header.geometry().tileTokens(),
        header.count());
  }

  int entryBytes() {
    return SegmentEntry.bytes(tileTokens);
  }

  long entryAt(int slot) {
    return BLOCK_BYTES + (long) slot * entryBytes();
  }

  long dataAt(int slot) {
    return blocks(entryAt(slots)) + slot * blocks(groupBytes);
  }

  long fileBytes() {
    return dataAt(slots);
  }

  /** Most slots of a file of at most {@code fileBytes}; 0 where not even one fits. */
  static int slotsWithin(long fileBytes, int groupBytes, int tileTokens) {
    long fixed = 2L * BLOCK_BYTES;
    long perSlot = SegmentEntry.bytes(tileTokens) + blocks(groupBytes);
    return (int) Math.max(0, Math.min(1 << 24, (fileBytes - fixed) / perSlot));
  }

  /** Bytes that let {@link #slotsWithin} say 1. */
  static long smallestFileBytes(int groupBytes, int tileTokens) {
    return 2L * BLOCK_BYTES + SegmentEntry.bytes(tileTokens) + blocks(groupBytes);
  }

  private static long blocks(long bytes) {
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
  }
}
