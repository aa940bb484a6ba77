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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The bytes of a CPU page pool: heap slabs of whole tiles, allocated once.
 *
 * <p>Bookkeeping (which page is free, shared or pinned) lives elsewhere; this class only finds a
 * page's memory and copies tiles. A page is {@code geometry.tileElements()} consecutive elements,
 * starting at {@link #base} of the array that {@link #floats}, {@link #shorts} (FLOAT16, BFLOAT16)
 * or {@link #bytes} (INT8) returns. Safe for concurrent use on different pages; the caller orders
 * accesses to one page.
 */
public final class TileArena implements TileMemory {

  private static final int MAX_SLAB_BYTES = 64 << 20;

  private final TileGeometry geometry;
  private final int pages;
  private final int pagesPerSlab;
  private Object[] slabs;

  private TileArena(TileGeometry geometry, int pages) {
    this.geometry = geometry;
    this.pages = pages;
    this.pagesPerSlab = Math.max(1, MAX_SLAB_BYTES / geometry.tileBytes());
    this.slabs = new Object[(pages + pagesPerSlab - 1) / pagesPerSlab];
    for (int i = 0; i < slabs.length; i++) {
      int count = Math.min(pagesPerSlab, pages - i * pagesPerSlab);
      slabs[i] = newSlab(geometry, Math.multiplyExact(count, geometry.tileElements()));
    }
  }

  /**
   * Allocates {@code pages} tiles; throws {@link OutOfMemoryError} where the heap does not hold
   * them.
   */
  public static TileArena allocate(TileGeometry geometry, int pages) {
    if (pages < 1) {
      throw new IllegalArgumentException("pages is " + pages + "; it must be at least 1");
    }
    return new TileArena(geometry, pages);
  }

  private static Object newSlab(TileGeometry geometry, int elements) {
    return switch (geometry.dtype()) {
      case FLOAT32 -> new float[elements];
      case FLOAT16, BFLOAT16 -> new short[elements];
      case INT8 -> new byte[elements];
    };
  }

  @Override
  public TileGeometry geometry() {
    return geometry;
  }

  @Override
  public int pages() {
    return pages;
  }

  @Override
  public long bytes() {
    return slabs.length == 0 ? 0 : (long) pages * geometry.tileBytes();
  }

  /** Array that holds a FLOAT32 page. */
  public float[] floats(int page) {
    return (float[]) slabs[page / pagesPerSlab];
  }

  /** Array that holds a FLOAT16 or BFLOAT16 page. */
  public short[] shorts(int page) {
    return (short[]) slabs[page / pagesPerSlab];
  }

  /** Array that holds an INT8 page. */
  public byte[] bytes(int page) {
    return (byte[]) slabs[page / pagesPerSlab];
  }

  /** Index of a page's first element in its array. */
  public int base(int page) {
    return page % pagesPerSlab * geometry.tileElements();
  }

  /** Copies a whole tile. */
  public void copy(int fromPage, int toPage) {
    copyElements(fromPage, toPage, 0, geometry.tileElements());
  }

  @Override
  public void copySlots(int[] fromPages, int[] toPages, int slots) {
    for (int i = 0; i < fromPages.length; i++) {
      copySlots(fromPages[i], toPages[i], slots);
    }
  }

  private void copySlots(int fromPage, int toPage, int slots) {
    if (slots == geometry.tileTokens()) {
      copy(fromPage, toPage);
      return;
    }
    int length = slots * geometry.headDim();
    for (int layer = 0; layer < geometry.layers(); layer++) {
      copyElements(fromPage, toPage, geometry.keyOffset(layer, 0), length);
      copyElements(fromPage, toPage, geometry.valueOffset(layer, 0), length);
      if (geometry.dtype() == KvDtype.INT8) {
        copyElements(fromPage, toPage, geometry.keyScaleOffset(layer, 0), slots * Float.BYTES);
        copyElements(fromPage, toPage, geometry.valueScaleOffset(layer, 0), slots * Float.BYTES);
      }
    }
  }

  @Override
  public boolean copiesToHost() {
    return true;
  }

  @Override
  public void copyOut(int[] pageIds, ByteBuffer dst) {
    for (int page : pageIds) {
      ByteBuffer tile = window(dst);
      switch (geometry.dtype()) {
        case FLOAT32 -> tile.asFloatBuffer().put(floats(page), base(page), geometry.tileElements());
        case FLOAT16, BFLOAT16 ->
            tile.asShortBuffer().put(shorts(page), base(page), geometry.tileElements());
        case INT8 -> tile.put(bytes(page), base(page), geometry.tileElements());
      }
    }
  }

  @Override
  public void copyIn(int[] pageIds, ByteBuffer src) {
    for (int page : pageIds) {
      ByteBuffer tile = window(src);
      switch (geometry.dtype()) {
        case FLOAT32 -> tile.asFloatBuffer().get(floats(page), base(page), geometry.tileElements());
        case FLOAT16, BFLOAT16 ->
            tile.asShortBuffer().get(shorts(page), base(page), geometry.tileElements());
        case INT8 -> tile.get(bytes(page), base(page), geometry.tileElements());
      }
    }
  }

  /** The next tile's bytes; moves the position behind them. */
  private ByteBuffer window(ByteBuffer buffer) {
    int at = buffer.position();
    buffer.position(at + geometry.tileBytes());
    return buffer.slice(at, geometry.tileBytes()).order(ByteOrder.LITTLE_ENDIAN);
  }

  // The arrays of one arena all have one type, which arraycopy checks.
  @SuppressWarnings("SuspiciousSystemArraycopy")
  private void copyElements(int fromPage, int toPage, int offset, int length) {
    System.arraycopy(
        slabs[fromPage / pagesPerSlab],
        base(fromPage) + offset,
        slabs[toPage / pagesPerSlab],
        base(toPage) + offset,
        length);
  }

  @Override
  public void close() {
    Arrays.fill(slabs, null);
    slabs = new Object[0];
  }
}
