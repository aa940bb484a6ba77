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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;

/**
 * A cache of KV tiles in host memory: a map from {@link TileKey} to the bytes of one tile, least
 * recently used out first, all tiles of one geometry. Usable on its own.
 *
 * <p>Safe for any number of threads. A read returns a whole tile as it was put under that key, or a
 * miss, whatever happens at the same time: overwriting, removing or evicting a tile that is being
 * read lets the reader finish. Bytes are copied outside of any lock. A put or get costs one copy
 * and makes no garbage.
 *
 * <p>Memory is allocated once, when the cache is made: the tiles that fit into {@code
 * capacityBytes}, plus two frames per processor for tiles in flight. A cache smaller than one tile
 * stores nothing.
 *
 * <p>Forms of a tile: {@code byte[]} and {@link ByteBuffer} hold its bytes as they are,
 * little-endian ({@code geometry.tileBytes()} bytes); {@code short[]} the elements of FLOAT16 and
 * BFLOAT16; {@code float[]} the {@code geometry.valueElements()} values, converted where the
 * cache's dtype is BFLOAT16 (nearest even) or INT8 (one scale per token and head), and copied where
 * it is FLOAT32; {@link TileArena} a page, by its dtype.
 *
 * <p>Every put returns whether the tile was stored. False means: the capacity is below one tile,
 * more threads are copying than there are frames, an INT8 tile holds NaN or infinity, or the cache
 * was closed meanwhile; an older tile of that key stays. Use after {@link #close} throws {@link
 * IllegalStateException}; a range outside of an array throws {@link IndexOutOfBoundsException}.
 */
public final class HostTileCache implements AutoCloseable {
  private static final int MAX_TILES = 1 << 28;

  private final TileGeometry geometry;
  private final FrameTable table;
  private final HostSlabs slabs;
  private final TileCacheFile files;
  private final AtomicLong corruptTiles = new AtomicLong();

  private HostTileCache(
      TileGeometry geometry, byte[] namespace, FrameTable table, HostSlabs slabs) {
    this.geometry = geometry;
    this.table = table;
    this.slabs = slabs;
    this.files = new TileCacheFile(table, slabs, namespace, geometry);
  }

  /** A cache in direct memory. */
  public static HostTileCache create(TileGeometry geometry, byte[] namespace, long capacityBytes) {
    return create(geometry, namespace, capacityBytes, DirectAllocator.DIRECT);
  }

  /**
   * Allocates a cache; throws {@link OutOfMemoryError} where the memory is not there.
   *
   * @param namespace 32 bytes that name what the tiles belong to; files of others are refused
   * @param capacityBytes bytes of tiles that may be resident, 0 or more
   */
  public static HostTileCache create(
      TileGeometry geometry, byte[] namespace, long capacityBytes, HostAllocator allocator) {
    Namespaces.require(namespace);
    long tiles = capacityBytes / geometry.tileBytes();
    if (capacityBytes < 0 || tiles > MAX_TILES) {
      throw new IllegalArgumentException(
          "capacityBytes is "
              + capacityBytes
              + "; allowed are 0 to "
              + (long) MAX_TILES * geometry.tileBytes());
    }
    int spare = tiles == 0 ? 0 : 2 * Runtime.getRuntime().availableProcessors();
    HostSlabs slabs = new HostSlabs(geometry, (int) tiles + spare, allocator);
    FrameTable table = new FrameTable((int) tiles, spare);
    return new HostTileCache(geometry, namespace.clone(), table, slabs);
  }

  public TileGeometry geometry() {
    return geometry;
  }

  /** Stores a tile's bytes, {@code src[offset, offset + tileBytes)}. */
  public boolean put(TileKey key, byte[] src, int offset) {
    Objects.checkFromIndexSize(offset, geometry.tileBytes(), src.length);
    return store(key, src, offset);
  }

  /** Stores a tile's bytes from an absolute offset; position and limit do not change. */
  public boolean put(TileKey key, ByteBuffer src, int offset) {
    Objects.checkFromIndexSize(offset, geometry.tileBytes(), src.limit());
    return store(key, src, offset);
  }

  /** Stores the elements of a FLOAT16 or BFLOAT16 tile. */
  public boolean put(TileKey key, short[] src, int offset) {
    checkShorts(offset, src.length);
    return store(key, src, offset);
  }

  /** Stores values as the dtype of the cache. */
  public boolean put(TileKey key, float[] src, int offset) {
    checkFloats(offset, src.length);
    return store(key, src, offset);
  }

  /** Stores a page; a FLOAT32 page is converted to the dtype of the cache. */
  public boolean put(TileKey key, TileArena src, int page) {
    checkShape(src.geometry());
    return switch (src.geometry().dtype()) {
      case FLOAT32 -> put(key, src.floats(page), src.base(page));
      case FLOAT16, BFLOAT16 -> put(key, src.shorts(page), src.base(page));
      case INT8 -> put(key, src.bytes(page), src.base(page));
    };
  }

  /** Reads a tile's bytes; false on a miss, which leaves {@code dst} as it is. */
  public boolean get(TileKey key, byte[] dst, int offset) {
    Objects.checkFromIndexSize(offset, geometry.tileBytes(), dst.length);
    return fetch(key, dst, offset);
  }

  /** Reads a tile's bytes to an absolute offset; position and limit do not change. */
  public boolean get(TileKey key, ByteBuffer dst, int offset) {
    Objects.checkFromIndexSize(offset, geometry.tileBytes(), dst.limit());
    return fetch(key, dst, offset);
  }

  /** As {@link #get(TileKey, ByteBuffer, int)}; does not count as a use. */
  boolean peek(TileKey key, ByteBuffer dst, int offset) {
    Objects.checkFromIndexSize(offset, geometry.tileBytes(), dst.limit());
    return fetch(table.pinQuietly(key), dst, offset);
  }

  /** A tile that is held in place. */
  public interface HeldTile extends AutoCloseable {

    /** Its {@code geometry.tileBytes()} bytes, read-only; not to be used after {@link #close}. */
    ByteBuffer bytes();

    @Override
    void close();
  }

  /**
   * Holds a tile where it is, without a copy; null on a miss. Until it is closed its memory is not
   * used for another tile, whatever happens to the key. To be closed before the cache.
   */
  public @Nullable HeldTile hold(TileKey key) {
    int frame = table.pin(key);
    if (frame == KeyIndex.NONE) {
      return null;
    }
    ByteBuffer bytes = slabs.slice(frame).asReadOnlyBuffer();
    return new HeldTile() {
      private boolean closed;

      @Override
      public ByteBuffer bytes() {
        return bytes;
      }

      @Override
      public void close() {
        if (!closed) {
          closed = true;
          table.unpin(frame);
        }
      }
    };
  }

  /** Reads the elements of a FLOAT16 or BFLOAT16 tile. */
  public boolean get(TileKey key, short[] dst, int offset) {
    checkShorts(offset, dst.length);
    return fetch(key, dst, offset);
  }

  /** Reads a tile's values, converted from the dtype of the cache. */
  public boolean get(TileKey key, float[] dst, int offset) {
    checkFloats(offset, dst.length);
    return fetch(key, dst, offset);
  }

  /** Reads a tile into a page. */
  public boolean get(TileKey key, TileArena dst, int page) {
    checkShape(dst.geometry());
    return switch (dst.geometry().dtype()) {
      case FLOAT32 -> get(key, dst.floats(page), dst.base(page));
      case FLOAT16, BFLOAT16 -> get(key, dst.shorts(page), dst.base(page));
      case INT8 -> get(key, dst.bytes(page), dst.base(page));
    };
  }

  /** Stores tile {@code i} from {@code offset + i * tileBytes}; returns how many were stored. */
  public int putAll(List<TileKey> keys, byte[] src, int offset) {
    int stored = 0;
    for (int i = 0; i < keys.size(); i++) {
      stored += put(keys.get(i), src, tileOffset(offset, i)) ? 1 : 0;
    }
    return stored;
  }

  /** Stores tile {@code i} from page {@code pages[i]}; returns how many were stored. */
  public int putAll(List<TileKey> keys, TileArena src, int[] pages) {
    int stored = 0;
    for (int i = 0; i < keys.size(); i++) {
      stored += put(keys.get(i), src, pages[i]) ? 1 : 0;
    }
    return stored;
  }

  /** Reads tile {@code i} to {@code offset + i * tileBytes}; bit {@code i} says whether it hit. */
  public BitSet getAll(List<TileKey> keys, byte[] dst, int offset) {
    BitSet hits = new BitSet(keys.size());
    for (int i = 0; i < keys.size(); i++) {
      hits.set(i, get(keys.get(i), dst, tileOffset(offset, i)));
    }
    return hits;
  }

  /** Reads tile {@code i} to page {@code pages[i]}; bit {@code i} says whether it hit. */
  public BitSet getAll(List<TileKey> keys, TileArena dst, int[] pages) {
    BitSet hits = new BitSet(keys.size());
    for (int i = 0; i < keys.size(); i++) {
      hits.set(i, get(keys.get(i), dst, pages[i]));
    }
    return hits;
  }

  /** Whether a tile is there; does not count as a use. */
  public boolean contains(TileKey key) {
    return table.contains(key);
  }

  /** Drops a tile; false where there was none. */
  public boolean remove(TileKey key) {
    return table.remove(key);
  }

  /** Drops all tiles. The memory stays allocated. */
  public void clear() {
    table.clear();
  }

  /** Keys of all tiles now, the least recently used first. O(tiles). */
  public List<TileKey> keysOldestFirst() {
    return table.keysOldestFirst();
  }

  public HostTileCacheStats stats() {
    return table.stats(geometry.tileBytes(), slabs.allocatedBytes(), corruptTiles.get());
  }

  /**
   * Writes all tiles to a file, which replaces an older one at once or not at all; returns how many
   * were written. The cache stays usable: a tile that goes meanwhile is left out.
   */
  public int save(Path file) throws IOException {
    return files.save(file);
  }

  /**
   * Puts the tiles of a file, in the order of use in which they were saved.
   *
   * @throws TileFileException where the file is refused; nothing was loaded then
   */
  public LoadResult load(Path file) throws IOException {
    LoadResult result = files.load(file);
    corruptTiles.addAndGet(result.corruptTiles());
    return result;
  }

  /**
   * Throws {@link IllegalStateException} unless all frames add up, the order of use matches the map
   * and nothing is pinned. For tests and diagnosis, while no other call runs. O(tiles).
   */
  public void checkIntegrity() {
    table.checkIntegrity();
  }

  /** Waits for running copies and gives all memory back. A second close does nothing. */
  @Override
  public void close() {
    if (table.close()) {
      slabs.close();
    }
  }

  private boolean store(TileKey key, Object src, int offset) {
    Objects.requireNonNull(key, "key");
    int frame = table.reserve();
    if (frame == KeyIndex.NONE) {
      return false;
    }
    boolean written = false;
    try {
      written = slabs.write(frame, src, offset);
    } finally {
      if (!written) {
        table.abandon(frame);
      }
    }
    return written && table.publish(frame, key);
  }

  private boolean fetch(TileKey key, Object dst, int offset) {
    return fetch(table.pin(key), dst, offset);
  }

  private boolean fetch(int frame, Object dst, int offset) {
    if (frame == KeyIndex.NONE) {
      return false;
    }
    try {
      slabs.read(frame, dst, offset);
    } finally {
      table.unpin(frame);
    }
    return true;
  }

  private int tileOffset(int offset, int tile) {
    return Math.addExact(offset, Math.multiplyExact(tile, geometry.tileBytes()));
  }

  private void checkShorts(int offset, int length) {
    if (geometry.dtype() != KvDtype.BFLOAT16 && geometry.dtype() != KvDtype.FLOAT16) {
      throw new IllegalArgumentException(
          "dtype is " + geometry.dtype() + "; short[] holds FLOAT16 or BFLOAT16");
    }
    Objects.checkFromIndexSize(offset, geometry.tileElements(), length);
  }

  private void checkFloats(int offset, int length) {
    if (geometry.dtype() == KvDtype.FLOAT16) {
      throw new IllegalArgumentException(
          "dtype is FLOAT16; float[] is converted to BFLOAT16 and INT8, or copied to FLOAT32");
    }
    Objects.checkFromIndexSize(offset, geometry.valueElements(), length);
  }

  private void checkShape(TileGeometry page) {
    boolean sameShape =
        page.layers() == geometry.layers()
            && page.kvHeads() == geometry.kvHeads()
            && page.headDim() == geometry.headDim()
            && page.tileTokens() == geometry.tileTokens();
    if (!sameShape || (page.dtype() != geometry.dtype() && page.dtype() != KvDtype.FLOAT32)) {
      throw new IllegalArgumentException(
          "pages are of " + page + "; allowed is the cache's " + geometry + ", or FLOAT32");
    }
  }
}
