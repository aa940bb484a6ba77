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
package org.tilekv;

/**
 * Shape of a tile and the only place that computes an offset inside one.
 *
 * <p>A tile holds {@code tileTokens} consecutive positions of one KV head, K and V of all layers:
 * {@code [layer][K,V][tileTokens][headDim]}. For {@link KvDtype#INT8} the values are followed by
 * the scales, {@code [layer][K,V][tileTokens]} float32 in little-endian order. Offsets are counted
 * in <em>elements</em> of the dtype from the start of the tile (bytes for INT8).
 *
 * @param layers transformer layers
 * @param kvHeads KV heads of the model; a position of a sequence needs one tile per KV head
 * @param headDim elements of one K or V vector
 * @param tileTokens slots of a tile, a power of two from 1 to 1024
 * @param dtype stored element type
 */
public record TileGeometry(int layers, int kvHeads, int headDim, int tileTokens, KvDtype dtype) {

  private static final int MAX_TILE_TOKENS = 1024;
  private static final int MAX_ELEMENTS = 1 << 28;

  public TileGeometry {
    requirePositive("layers", layers);
    requirePositive("kvHeads", kvHeads);
    requirePositive("headDim", headDim);
    if (tileTokens < 1 || tileTokens > MAX_TILE_TOKENS || Integer.bitCount(tileTokens) != 1) {
      throw new IllegalArgumentException(
          "tileTokens is "
              + tileTokens
              + "; allowed are powers of two from 1 to "
              + MAX_TILE_TOKENS);
    }
    requireCountable(2L * layers * tileTokens, headDim);
  }

  /** All K and V elements of a tile are counted in an int, in bytes, too. */
  private static void requireCountable(long vectors, int headDim) {
    // In this order, as the product of numbers that are too large may look like a small one.
    if (vectors > MAX_ELEMENTS || vectors * headDim > MAX_ELEMENTS) {
      throw new IllegalArgumentException(
          "a tile has "
              + vectors
              + " K and V vectors of "
              + headDim
              + " elements; allowed are "
              + MAX_ELEMENTS
              + " elements");
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
    }
  }

  /** Elements from one layer's K to the next layer's K. */
  public int layerStride() {
    return 2 * tileTokens * headDim;
  }

  /** Offset in elements of the K vector of one slot. */
  public int keyOffset(int layer, int slot) {
    return layer * layerStride() + slot * headDim;
  }

  /** Offset in elements of the V vector of one slot. */
  public int valueOffset(int layer, int slot) {
    return layer * layerStride() + (tileTokens + slot) * headDim;
  }

  /** Byte offset of the float32 scale of one slot's K; INT8 only. */
  public int keyScaleOffset(int layer, int slot) {
    return valueElements() + Float.BYTES * (2 * layer * tileTokens + slot);
  }

  /** Byte offset of the float32 scale of one slot's V; INT8 only. */
  public int valueScaleOffset(int layer, int slot) {
    return valueElements() + Float.BYTES * ((2 * layer + 1) * tileTokens + slot);
  }

  /** K and V elements of a tile, without scales. */
  public int valueElements() {
    return layers * layerStride();
  }

  /** Array elements a tile occupies in a slab of its dtype, scales included. */
  public int tileElements() {
    return dtype == KvDtype.INT8
        ? valueElements() + Float.BYTES * 2 * layers * tileTokens
        : valueElements();
  }

  /** Bytes of one tile, scales included. */
  public int tileBytes() {
    return Math.multiplyExact(tileElements(), dtype.bytes());
  }

  /** Tiles per KV head that {@code tokens} positions need; the last one may be partly filled. */
  public int tilesFor(int tokens) {
    return (tokens + tileTokens - 1) / tileTokens;
  }

  /** Tile index of a position. */
  public int tileOf(int position) {
    return position / tileTokens;
  }

  /** Slot of a position inside its tile. */
  public int slotOf(int position) {
    return position & (tileTokens - 1);
  }
}
