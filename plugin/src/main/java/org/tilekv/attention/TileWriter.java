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

/** Stores one K or V vector in its slot, in the dtype of the arena. */
final class TileWriter {

  private final TileArena arena;
  private final TileGeometry geometry;

  TileWriter(TileArena arena) {
    this.arena = arena;
    this.geometry = arena.geometry();
  }

  void key(int page, int layer, int slot, float[] from, int index) {
    write(page, geometry.keyOffset(layer, slot), geometry.keyScaleOffset(layer, slot), from, index);
  }

  void value(int page, int layer, int slot, float[] from, int index) {
    write(
        page,
        geometry.valueOffset(layer, slot),
        geometry.valueScaleOffset(layer, slot),
        from,
        index);
  }

  private void write(int page, int elementOffset, int scaleOffset, float[] from, int index) {
    int base = arena.base(page);
    int to = base + elementOffset;
    int headDim = geometry.headDim();
    switch (geometry.dtype()) {
      case FLOAT32 -> System.arraycopy(from, index, arena.floats(page), to, headDim);
      case BFLOAT16 -> Bf16.fromFloat(from, index, arena.shorts(page), to, headDim);
      case FLOAT16 -> {
        short[] halves = arena.shorts(page);
        for (int i = 0; i < headDim; i++) {
          halves[to + i] = Fp16.fromFloat(from[index + i]);
        }
      }
      case INT8 -> {
        byte[] bytes = arena.bytes(page);
        float scale = Int8.quantise(from, index, bytes, to, headDim);
        Int8.setScale(bytes, base + scaleOffset, scale);
      }
    }
  }
}
