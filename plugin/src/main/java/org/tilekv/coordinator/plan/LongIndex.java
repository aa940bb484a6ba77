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
 * From 64-bit names to numbers from 0; open addressing with linear probing, at most half full. 24
 * bytes per name or more. Names are hashes already, so that their own bits spread them.
 */
final class LongIndex {

  /** Answer for a name that is not there. */
  static final int NONE = -1;

  private static final int LEAST_SLOTS = 16;

  private long[] keys;
  private int[] values;
  private int size;

  LongIndex(int expected) {
    int slots = Math.max(LEAST_SLOTS, Integer.highestOneBit(Math.max(1, expected)) << 2);
    keys = new long[slots];
    values = free(slots);
  }

  private static int[] free(int slots) {
    int[] values = new int[slots];
    Arrays.fill(values, NONE);
    return values;
  }

  int size() {
    return size;
  }

  int get(long key) {
    return values[slot(keys, values, key)];
  }

  /** The number of a name: the one that it has, or else the one given. */
  int putIfAbsent(long key, int value) {
    int slot = slot(keys, values, key);
    if (values[slot] != NONE) {
      return values[slot];
    }
    keys[slot] = key;
    values[slot] = value;
    if (++size > keys.length / 2) {
      grow();
    }
    return value;
  }

  private void grow() {
    long[] moreKeys = new long[2 * keys.length];
    int[] moreValues = free(moreKeys.length);
    for (int i = 0; i < keys.length; i++) {
      if (values[i] != NONE) {
        int slot = slot(moreKeys, moreValues, keys[i]);
        moreKeys[slot] = keys[i];
        moreValues[slot] = values[i];
      }
    }
    keys = moreKeys;
    values = moreValues;
  }

  private static int slot(long[] keys, int[] values, long key) {
    int mask = keys.length - 1;
    int slot = (int) (key ^ (key >>> 32)) & mask;
    while (values[slot] != NONE && keys[slot] != key) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
