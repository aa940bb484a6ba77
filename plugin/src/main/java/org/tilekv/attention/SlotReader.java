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

import org.tilekv.TileArena;
import org.tilekv.TileGeometry;

/**
 * Reads K or V of consecutive slots as float32. FLOAT32 tiles are used where they lie; the other
 * dtypes are converted into a small buffer that stays in the first-level cache, once for all query
 * heads and tokens that share it.
 *
 * <p>After {@link #keys} or {@link #values}, slot i of the range is {@code headDim} floats from
 * {@code offset() + i * headDim} of {@code array()}. Confined to one worker.
 */
abstract class SlotReader {

  final TileArena arena;
  final TileGeometry geometry;
  final int headDim;
  float[] array;
  int offset;

  private SlotReader(TileArena arena, int bufferSlots) {
    this.arena = arena;
    this.geometry = arena.geometry();
    this.headDim = geometry.headDim();
    this.array = new float[bufferSlots * headDim];
  }

  /**
   * @param maxSlots longest range that will be read
   */
  static SlotReader of(TileArena arena, int maxSlots) {
    return switch (arena.geometry().dtype()) {
      case FLOAT32 -> new OfFloat32(arena);
      case BFLOAT16 -> new OfBfloat16(arena, maxSlots);
      case FLOAT16 -> new OfFloat16(arena, maxSlots);
      case INT8 -> new OfInt8(arena, maxSlots);
    };
  }

  final float[] array() {
    return array;
  }

  final int offset() {
    return offset;
  }

  final void keys(int page, int layer, int slot, int count) {
    read(page, geometry.keyOffset(layer, slot), geometry.keyScaleOffset(layer, slot), count);
  }

  final void values(int page, int layer, int slot, int count) {
    read(page, geometry.valueOffset(layer, slot), geometry.valueScaleOffset(layer, slot), count);
  }

  abstract void read(int page, int elementOffset, int scaleOffset, int count);

  private static final class OfFloat32 extends SlotReader {
    OfFloat32(TileArena arena) {
      super(arena, 0);
    }

    @Override
    void read(int page, int elementOffset, int scaleOffset, int count) {
      array = arena.floats(page);
      offset = arena.base(page) + elementOffset;
    }
  }

  private static final class OfBfloat16 extends SlotReader {
    OfBfloat16(TileArena arena, int maxSlots) {
      super(arena, maxSlots);
    }

    @Override
    void read(int page, int elementOffset, int scaleOffset, int count) {
      Widen.bf16(arena.shorts(page), arena.base(page) + elementOffset, array, 0, count * headDim);
    }
  }

  private static final class OfFloat16 extends SlotReader {
    OfFloat16(TileArena arena, int maxSlots) {
      super(arena, maxSlots);
    }

    @Override
    void read(int page, int elementOffset, int scaleOffset, int count) {
      short[] from = arena.shorts(page);
      int first = arena.base(page) + elementOffset;
      for (int i = 0; i < count * headDim; i++) {
        array[i] = Fp16.toFloat(from[first + i]);
      }
    }
  }

  private static final class OfInt8 extends SlotReader {
    OfInt8(TileArena arena, int maxSlots) {
      super(arena, maxSlots);
    }

    @Override
    void read(int page, int elementOffset, int scaleOffset, int count) {
      byte[] from = arena.bytes(page);
      int base = arena.base(page);
      for (int slot = 0; slot < count; slot++) {
        float scale = Int8.scale(from, base + scaleOffset + slot * Float.BYTES);
        int first = base + elementOffset + slot * headDim;
        Widen.int8(from, first, scale, array, slot * headDim, headDim);
      }
    }
  }
}
