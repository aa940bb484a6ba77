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

import org.tilekv.TileGeometry;

/** Converts the values of a tile between float32 on the heap and a compact dtype in a slab. */
interface TileCodec {

  /** Writes {@code valueElements()} floats as a tile at byte {@code base}; false: not storable. */
  boolean encode(float[] src, int offset, Slab slab, int base);

  /** Reads the tile at byte {@code base} as {@code valueElements()} floats. */
  void decode(Slab slab, int base, float[] dst, int offset);

  static TileCodec of(TileGeometry geometry) {
    return switch (geometry.dtype()) {
      case BFLOAT16 -> new Bfloat16Codec(geometry);
      case INT8 -> new Int8Codec(geometry);
      case FLOAT32, FLOAT16 ->
          throw new IllegalArgumentException(
              "dtype is " + geometry.dtype() + "; floats are converted to BFLOAT16 and INT8 only");
    };
  }
}
