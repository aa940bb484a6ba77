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
package org.tilekv.engine;

/**
 * Counts the distinct (prefix, token) positions of many prompts: the nodes of their trie, which is
 * the least number of prompt tokens that any cache has to compute. A node is represented by a
 * 64-bit rolling hash of the tokens up to it, so that the count may be short by about n^2 / 2^65
 * for n nodes; 8 to 16 bytes of memory per node. Confined to the engine's thread.
 */
final class DistinctPositions {
  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;
  private static final int FIRST_SLOTS = 1 << 12;

  // Open addressing with linear probing; 0 marks a free slot.
  private long[] slots = new long[FIRST_SLOTS];
  private int size;

  /** Adds a prompt's positions; returns how many of them were new. */
  int add(int[] prompt, long saltHash) {
    int added = 0;
    long hash = mix(saltHash + MULTIPLIER);
    for (int token : prompt) {
      hash = mix((hash ^ token) * MULTIPLIER + 1);
      if (insert(hash == 0 ? 1 : hash)) {
        added++;
      }
    }
    return added;
  }

  private boolean insert(long hash) {
    if (2 * (size + 1) > slots.length) {
      grow();
    }
    int slot = free(slots, hash);
    if (slots[slot] == hash) {
      return false;
    }
    slots[slot] = hash;
    size++;
    return true;
  }

  private void grow() {
    long[] larger = new long[2 * slots.length];
    for (long hash : slots) {
      if (hash != 0) {
        larger[free(larger, hash)] = hash;
      }
    }
    slots = larger;
  }

  /** The slot that holds a hash, or the free one where it belongs. */
  private static int free(long[] table, long hash) {
    int slot = (int) (hash >>> 20) & (table.length - 1);
    while (table[slot] != 0 && table[slot] != hash) {
      slot = (slot + 1) & (table.length - 1);
    }
    return slot;
  }

  /** Finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
