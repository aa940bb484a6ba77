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
package org.tilekv.cache;

import org.jspecify.annotations.Nullable;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.attention.KvMemory;
import org.tilekv.page.PageTable;

/**
 * Writes K and V that say whose they are, and reads them back.
 *
 * <p>As in a model, what a position holds depends on the salt and on all tokens up to it: its
 * <em>path</em>. Every element of every layer and head has a value of its own.
 */
final class TilePatterns {

  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private final PageTable table;
  private final TileArena arena;
  private final TileGeometry geometry;

  TilePatterns(KvMemory memory) {
    table = memory.table();
    arena = memory.arena();
    geometry = arena.geometry();
  }

  /** Path of no tokens. */
  static long root(@Nullable String salt) {
    return salt == null ? 1 : mix(salt.hashCode() + 17L);
  }

  /** Path with one more token. */
  static long next(long path, int token) {
    return mix(path * 31 + token);
  }

  private static long mix(long value) {
    long product = value * MULTIPLIER;
    return product ^ product >>> 32;
  }

  /** Writes a position's K and V, all layers and heads. */
  void write(int row, int position, long path) {
    visit(row, position, path, null);
  }

  /** Fails where a position does not hold what {@link #write} puts there. */
  void verify(int row, int position, long path, String where) {
    visit(row, position, path, where);
  }

  private void visit(int row, int position, long path, @Nullable String where) {
    int slot = geometry.slotOf(position);
    for (int head = 0; head < geometry.kvHeads(); head++) {
      int page = table.lookup(row, head, geometry.tileOf(position));
      if (page < 0) {
        throw new AssertionError(where + ": row " + row + " has no page at position " + position);
      }
      for (int layer = 0; layer < geometry.layers(); layer++) {
        long seed = mix(path + head * 131L + layer * 17L);
        run(page, geometry.keyOffset(layer, slot), geometry.headDim(), seed, where);
        run(page, geometry.valueOffset(layer, slot), geometry.headDim(), mix(seed), where);
        if (geometry.tileElements() > geometry.valueElements()) {
          run(page, geometry.keyScaleOffset(layer, slot), Float.BYTES, mix(seed + 1), where);
          run(page, geometry.valueScaleOffset(layer, slot), Float.BYTES, mix(seed + 2), where);
        }
      }
    }
  }

  private void run(int page, int offset, int count, long seed, @Nullable String where) {
    for (int i = 0; i < count; i++) {
      int value = (int) (mix(seed + i) >>> 40);
      int at = arena.base(page) + offset + i;
      if (where == null) {
        set(page, at, value);
      } else if (!holds(page, at, value)) {
        throw new AssertionError(
            where + ": foreign or lost element " + offset + " of page " + page);
      }
    }
  }

  private void set(int page, int at, int value) {
    switch (geometry.dtype()) {
      case FLOAT32 -> arena.floats(page)[at] = value;
      case FLOAT16, BFLOAT16 -> arena.shorts(page)[at] = (short) value;
      case INT8 -> arena.bytes(page)[at] = (byte) value;
    }
  }

  private boolean holds(int page, int at, int value) {
    return switch (geometry.dtype()) {
      case FLOAT32 -> arena.floats(page)[at] == value;
      case FLOAT16, BFLOAT16 -> arena.shorts(page)[at] == (short) value;
      case INT8 -> arena.bytes(page)[at] == (byte) value;
    };
  }
}
