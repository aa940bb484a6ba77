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

import org.tilekv.TileGeometry;

/**
 * Estimates in microseconds of attention to a prefix that rows share: read by each of them, or once
 * for all. Fitted to measurements on an H200, {@code docs/benchmarks/gpu-attention.txt}; elsewhere
 * the ratios are taken to be similar.
 *
 * @param geometry shape of a tile
 * @param groupSize query heads per KV head
 * @param multiprocessors of the device
 */
record PrefixCost(TileGeometry geometry, int groupSize, int multiprocessors) {

  /** Query rows of a work item. */
  static final int ITEM_ROWS = 128;

  /** Launch of the kernel for shared prefixes, its start and its end. */
  private static final double LAUNCH_MICROS = 7;

  private static final double ITEM_MICROS = 1.5;

  /** What rows read one after the other comes from the L2 cache, if nearly at the same time. */
  private static final double FLAT_BYTES_PER_MICRO = 8.6e6;

  private static final double FLAT_BYTES_PER_MICRO_NARROW = 7.3e6;
  private static final double MERGE_MICROS_PER_ROW = 0.05;
  private static final double MERGE_BYTES_PER_MICRO = 3e6;

  /** Keys that a work item takes at a time; shared prefixes end at their multiples. */
  int blockKeys() {
    return geometry.headDim() > 128 ? 64 : 128;
  }

  /** Tokens of a work item. */
  int itemTokens() {
    return ITEM_ROWS / groupSize;
  }

  /** Work items of a group and part, one for each KV head. */
  int items(int members) {
    return (members + itemTokens() - 1) / itemTokens() * geometry.kvHeads();
  }

  /** What members need not read when {@code keys} positions are read for all of them. */
  double saved(int members, int keys) {
    double bytes = 4.0 * members * keys * geometry.kvHeads() * geometry.headDim();
    return bytes / (geometry.headDim() > 64 ? FLAT_BYTES_PER_MICRO : FLAT_BYTES_PER_MICRO_NARROW);
  }

  /** A work item of so many blocks of keys. */
  double item(int blocks) {
    return ITEM_MICROS + blocks * (geometry.headDim() > 64 ? 1.7 : 1.25);
  }

  /** Putting the parts together with what each member has for itself. */
  double merge(int members, int parts) {
    double partBytes = 4.0 * members * groupSize * geometry.kvHeads() * (geometry.headDim() + 4);
    return MERGE_MICROS_PER_ROW * members + parts * partBytes / MERGE_BYTES_PER_MICRO;
  }

  /** A launch whose items take {@code total} together and at most {@code longest} each. */
  double launch(double total, double longest, int items) {
    double rounds = Math.ceil((double) items / multiprocessors);
    return LAUNCH_MICROS + Math.max(total / multiprocessors, Math.min(rounds, 2) * longest);
  }

  /** What a group saves beside others, however it is cut; less than 0 where it costs. */
  double gain(int members, int keys) {
    double work = items(members) * item(keys / blockKeys()) / multiprocessors;
    return saved(members, keys) - work - merge(members, 1);
  }
}
