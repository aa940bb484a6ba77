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
package org.tilekv.coordinator;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * The owners of one map's shards as they change: an owner per shard, and the shards of each owner.
 * Owners are kept in chunks that snapshots share; a chunk is copied when it is first written after
 * a snapshot, so that a change costs what it moves. Guarded by the coordinator's lock.
 */
final class ShardTable {

  /** Shards of a chunk: 4 KiB, of which a snapshot costs one reference. */
  static final int CHUNK = 1024;

  private static final int[] NO_SHARDS = {};

  private final int groups;
  private final int headShards;
  private final int size;
  private final int[][] chunks;
  private final boolean[] shared;
  // Shards of each slot, as many as its load; the rest of an array is slack.
  private int[][] held = {};
  private int[] loads = {};
  private boolean assigned;

  /** A table of which nothing is assigned yet. */
  ShardTable(int groups, int headShards) {
    requirePositive("groups", groups);
    requirePositive("headShards", headShards);
    this.groups = groups;
    this.headShards = headShards;
    size = Math.multiplyExact(groups, headShards);
    chunks = new int[(size + CHUNK - 1) / CHUNK][];
    shared = new boolean[chunks.length];
    for (int i = 0; i < chunks.length; i++) {
      chunks[i] = new int[Math.min(CHUNK, size - i * CHUNK)];
      Arrays.fill(chunks[i], ShardMap.UNASSIGNED);
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
    }
  }

  int size() {
    return size;
  }

  /** Whether shards have owners: all of them or none. */
  boolean assigned() {
    return assigned;
  }

  int load(int slot) {
    return slot < loads.length ? loads[slot] : 0;
  }

  int ownerAt(int shard) {
    return chunks[shard / CHUNK][shard % CHUNK];
  }

  int[] shardsOf(int slot) {
    return Arrays.copyOf(held[slot], load(slot));
  }

  /** Room for so many slots. */
  void ensureSlots(int slots) {
    int before = loads.length;
    if (slots > before) {
      held = Arrays.copyOf(held, slots);
      loads = Arrays.copyOf(loads, slots);
      Arrays.fill(held, before, slots, NO_SHARDS);
    }
  }

  /** Gives a shard that nobody holds to a slot. */
  void assign(int shard, int slot) {
    int load = loads[slot];
    if (load == held[slot].length) {
      held[slot] = Arrays.copyOf(held[slot], load + load / 8 + 4);
    }
    held[slot][load] = shard;
    loads[slot]++;
    write(shard, slot);
    assigned = true;
  }

  /** Takes shard number {@code index} away from a slot; it keeps its owner until it is assigned. */
  int take(int slot, int index) {
    int shard = held[slot][index];
    held[slot][index] = held[slot][--loads[slot]];
    return shard;
  }

  /** Brings the shards of a slot into an order: the highest cost first. Costs are positive. */
  void sortHeld(int slot, IntToDoubleFunction costOfShard) {
    long[] keyed = new long[loads[slot]];
    for (int i = 0; i < keyed.length; i++) {
      int shard = held[slot][i];
      float cost = (float) costOfShard.applyAsDouble(shard);
      keyed[i] = (long) Float.floatToRawIntBits(cost) << Integer.SIZE | shard;
    }
    Arrays.sort(keyed);
    for (int i = 0; i < keyed.length; i++) {
      held[slot][i] = (int) keyed[keyed.length - 1 - i];
    }
  }

  /** Takes all shards away from a slot, in rising order. */
  int[] takeAll(int slot) {
    if (load(slot) == 0) {
      return NO_SHARDS;
    }
    int[] taken = Arrays.copyOf(held[slot], loads[slot]);
    held[slot] = NO_SHARDS;
    loads[slot] = 0;
    Arrays.sort(taken);
    return taken;
  }

  /** Forgets all owners: there is nobody left. */
  void clear() {
    Arrays.fill(held, NO_SHARDS);
    Arrays.fill(loads, 0);
    assigned = false;
    for (int shard = 0; shard < size; shard++) {
      write(shard, ShardMap.UNASSIGNED);
    }
  }

  private void write(int shard, int owner) {
    int chunk = shard / CHUNK;
    if (shared[chunk]) {
      chunks[chunk] = chunks[chunk].clone();
      shared[chunk] = false;
    }
    chunks[chunk][shard % CHUNK] = owner;
  }

  /** The table as it is now. */
  ShardMap snapshot(long epoch, @Nullable Member[] members) {
    Arrays.fill(shared, true);
    return new ShardMap(epoch, groups, headShards, members, chunks.clone());
  }

  /** Throws where the shards of each owner and the owner of each shard disagree. */
  void checkIntegrity() {
    int counted = 0;
    for (int slot = 0; slot < loads.length; slot++) {
      for (int i = 0; i < loads[slot]; i++) {
        if (ownerAt(held[slot][i]) != slot) {
          throw new IllegalStateException(
              "slot " + slot + " holds shard " + held[slot][i] + " of " + ownerAt(held[slot][i]));
        }
      }
      counted += loads[slot];
    }
    if (counted != (assigned ? size : 0)) {
      throw new IllegalStateException(counted + " of " + size + " shards are held");
    }
  }
}
