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

import java.util.Arrays;

/**
 * Hash table from key to frame with all state in primitive arrays: a key lives in the columns of
 * its frame, buckets chain through frames. O(1), no garbage. Confined to the lock of {@link
 * FrameTable}.
 */
final class KeyIndex {
  static final int NONE = -1;

  private final long[] words;
  private final int[] heads;
  private final int[] hashes;
  private final int[] chain;
  private final int[] buckets;
  private int size;

  KeyIndex(int frames) {
    words = new long[Math.multiplyExact(4, frames)];
    heads = new int[frames];
    hashes = new int[frames];
    chain = new int[frames];
    buckets = new int[Integer.highestOneBit(Math.max(1, frames)) << 1];
    Arrays.fill(buckets, NONE);
  }

  int size() {
    return size;
  }

  /** Frame of a key or {@link #NONE}. */
  int find(TileKey key) {
    int hash = key.hashCode();
    for (int frame = buckets[bucket(hash)]; frame != NONE; frame = chain[frame]) {
      if (hashes[frame] == hash && holds(frame, key)) {
        return frame;
      }
    }
    return NONE;
  }

  private boolean holds(int frame, TileKey key) {
    int base = 4 * frame;
    return words[base] == key.hash0()
        && words[base + 1] == key.hash1()
        && words[base + 2] == key.hash2()
        && words[base + 3] == key.hash3()
        && heads[frame] == key.head();
  }

  /** Adds a key that is not there yet. */
  void insert(int frame, TileKey key) {
    int base = 4 * frame;
    words[base] = key.hash0();
    words[base + 1] = key.hash1();
    words[base + 2] = key.hash2();
    words[base + 3] = key.hash3();
    heads[frame] = key.head();
    int hash = key.hashCode();
    hashes[frame] = hash;
    chain[frame] = buckets[bucket(hash)];
    buckets[bucket(hash)] = frame;
    size++;
  }

  /** Takes a frame's key out; the frame must be in the index. */
  void remove(int frame) {
    int bucket = bucket(hashes[frame]);
    if (buckets[bucket] == frame) {
      buckets[bucket] = chain[frame];
    } else {
      int before = buckets[bucket];
      while (chain[before] != frame) {
        before = chain[before];
      }
      chain[before] = chain[frame];
    }
    size--;
  }

  TileKey key(int frame) {
    int base = 4 * frame;
    return new TileKey(
        words[base], words[base + 1], words[base + 2], words[base + 3], heads[frame]);
  }

  private int bucket(int hash) {
    return hash & (buckets.length - 1);
  }
}
