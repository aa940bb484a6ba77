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
package org.tilekv.prefix;

import java.util.Arrays;

/**
 * A map from longs to longs that remembers the keys of its last so many puts. Its arrays grow with
 * what they hold; beyond that nothing is allocated, and a call touches few places in memory, which
 * counts where it has gone cold between two steps of a model.
 *
 * <p>The table is open-addressed with linear probing; what is deleted is closed up by moving
 * entries back (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
 */
final class RecentLongs {

  private static final int LEAST_PUTS = 64;
  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;
  private static final long FREE = -1;

  private final int mostPuts;
  private long puts;
  // Keys of the last puts: that of put p is at p modulo the length.
  private long[] ring;
  // Three arrays of twice the ring's length. A put's number, or FREE.
  private long[] put = new long[0];
  private long[] keys = new long[0];
  private long[] values = new long[0];
  private int shift;

  /**
   * @param mostPuts puts until a key is forgotten that is put no more, a power of two
   */
  RecentLongs(int mostPuts) {
    if (Integer.bitCount(mostPuts) != 1 || mostPuts < 1) {
      throw new IllegalArgumentException("mostPuts is " + mostPuts + "; it must be a power of two");
    }
    this.mostPuts = mostPuts;
    ring = new long[Math.min(mostPuts, LEAST_PUTS)];
    newTable();
  }

  private void newTable() {
    int slots = 2 * ring.length;
    put = new long[slots];
    Arrays.fill(put, FREE);
    keys = new long[slots];
    values = new long[slots];
    shift = Long.SIZE - Integer.numberOfTrailingZeros(slots);
  }

  /** Adds an entry, or makes it the youngest with a new value. */
  void put(long key, long value) {
    if (puts >= ring.length) {
      if (ring.length < mostPuts) {
        grow();
      } else {
        forget(puts - ring.length);
      }
    }
    ring[at(puts)] = key;
    set(key, value, puts++);
  }

  void remove(long key) {
    int slot = slot(key);
    if (put[slot] != FREE) {
      free(slot);
    }
  }

  boolean contains(long key) {
    return put[slot(key)] != FREE;
  }

  /** The value, or another where the key is not there. */
  long get(long key, long otherwise) {
    int slot = slot(key);
    return put[slot] == FREE ? otherwise : values[slot];
  }

  /** The oldest put of the ring, unless its key was removed or put again. */
  private void forget(long oldest) {
    int slot = slot(ring[at(oldest)]);
    if (put[slot] == oldest) {
      free(slot);
    }
  }

  private void grow() {
    long[] oldKeys = keys;
    long[] oldValues = values;
    long[] oldPut = put;
    ring = Arrays.copyOf(ring, 2 * ring.length);
    newTable();
    for (int i = 0; i < oldPut.length; i++) {
      if (oldPut[i] != FREE) {
        set(oldKeys[i], oldValues[i], oldPut[i]);
      }
    }
  }

  private int at(long number) {
    return (int) number & ring.length - 1;
  }

  private void set(long key, long value, long number) {
    int slot = slot(key);
    keys[slot] = key;
    values[slot] = value;
    put[slot] = number;
  }

  private int home(long key) {
    return (int) (key * MULTIPLIER >>> shift);
  }

  /** Where the key is, or the free slot where it would be. */
  private int slot(long key) {
    int slot = home(key);
    while (put[slot] != FREE && keys[slot] != key) {
      slot = slot + 1 & put.length - 1;
    }
    return slot;
  }

  private void free(int slot) {
    int mask = put.length - 1;
    int gap = slot;
    for (int next = gap + 1 & mask; put[next] != FREE; next = next + 1 & mask) {
      int distance = next - home(keys[next]) & mask;
      if (distance >= (next - gap & mask)) {
        keys[gap] = keys[next];
        values[gap] = values[next];
        put[gap] = put[next];
        gap = next;
      }
    }
    put[gap] = FREE;
  }
}
