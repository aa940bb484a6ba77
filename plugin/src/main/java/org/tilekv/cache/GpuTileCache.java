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

import java.nio.ByteBuffer;
import org.tilekv.OpenedResources;
import org.tilekv.TileGeometry;
import org.tilekv.attention.CudaKvMemory;
import org.tilekv.attention.CudaPageTable;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceTiles;
import org.tilekv.cuda.KernelModules;

/**
 * A cache of KV tiles in device memory that is usable on its own: pages allocated once, a page
 * table that kernels read, least recently used tiles evicted.
 *
 * <p>One step of a user who brings his own kernels:
 *
 * <pre>{@code
 * if (!cache.reserve(beam, tile, tile + 1)) { ... }   // no room: everything is pinned
 * cache.sync();                                       // what changed goes to the device's table
 * arguments.begin().struct(cache.kernelHandle())...;  // tilekv::KvTileCache<T>, by value
 * kernel.launch(cache.stream(), ...);                 // get_write_ptr(beam, head, tile, 'k')
 * cache.registerTiles(beam, tile, tile + 1);          // from now on get finds them
 * }</pre>
 *
 * <p>A tile is named by its place: beam, KV head, index in the sequence. It is found from the time
 * it is registered until it is evicted or dropped; the table on the device points to it from the
 * next {@link #sync} after it was reserved. {@link #fork} lets beams share tiles; whoever writes to
 * a shared one gets a copy. Everything on the device happens in the order of {@link #stream}, so
 * that a page is written again only after its last reader; readers on other streams pin their tiles
 * and wait for each other with events.
 *
 * <p>Used by one thread at a time. All calls but {@link #reserve} with copies, {@link #sync} and
 * {@link #close} are bookkeeping on the host, O(1) per tile.
 */
public final class GpuTileCache implements AutoCloseable {

  /** Address that stands for no tile. */
  public static final long ABSENT = 0;

  private final OpenedResources opened = new OpenedResources();
  private final CudaDevice device;
  private final CudaStream stream;
  private final DeviceTiles pages;
  private final CudaPageTable mirror;
  private final PagedTiles tiles;
  private final ByteBuffer handle;
  private boolean closed;

  private GpuTileCache(
      TileGeometry geometry, int pageCount, int beams, int maxTiles, CudaDevice device) {
    this.device = device;
    tiles = new PagedTiles(pageCount, beams, geometry.kvHeads(), maxTiles);
    try {
      device.makeCurrent();
      KernelModules kernels = opened.add(new KernelModules(device));
      stream = opened.add(device.createStream());
      pages = opened.add(new DeviceTiles(device, kernels, stream, geometry, pageCount));
      mirror = opened.add(new CudaPageTable(device, kernels, stream, tiles.table));
      handle = new CudaKvMemory(mirror, pages).kernelHandle();
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  /**
   * Allocates the pool and the page table.
   *
   * @param pages tiles that fit; one page is {@code geometry.tileBytes()}
   * @param beams rows of the page table
   * @param maxTiles tiles of the longest sequence
   * @param device stays open as long as the cache
   * @throws org.tilekv.cuda.CudaOutOfMemoryException if there is no room; nothing is allocated then
   */
  public static GpuTileCache init(
      TileGeometry geometry, int pages, int beams, int maxTiles, CudaDevice device) {
    return new GpuTileCache(geometry, pages, beams, maxTiles, device);
  }

  /** Pages that fit into a share of the memory that is free now, 0 to 1. */
  public static int pagesThatFit(CudaDevice device, TileGeometry geometry, double fraction) {
    if (!(fraction > 0 && fraction <= 1)) {
      throw new IllegalArgumentException("fraction is " + fraction + "; allowed are 0 to 1");
    }
    long fit = (long) (device.freeBytes() * fraction) / geometry.tileBytes();
    return (int) Math.min(Integer.MAX_VALUE, fit);
  }

  public TileGeometry geometry() {
    return pages.geometry();
  }

  /** The order of everything that this cache does on the device; launch kernels on it. */
  public CudaStream stream() {
    return stream;
  }

  /**
   * Reserves a tile for writing: its page if it has one, which {@link #get} then no longer finds, a
   * copy of it if other beams share it, else a new page, for which the least recently used tile
   * that nobody pinned is evicted if need be.
   *
   * @return device address of the page, or {@link #ABSENT} and nothing changed where every page is
   *     pinned or being written
   */
  public long getWritePtr(int beam, int head, int tile) {
    return reserve(new PagedTiles.Range(beam, head, head + 1, tile, tile + 1))
        ? address(tiles.pageOf(beam, head, tile))
        : ABSENT;
  }

  /**
   * As {@link #getWritePtr} for the tiles {@code fromTile} to {@code toTile - 1} of all heads.
   *
   * @return whether there was room for all of them; if not, nothing has changed
   */
  public boolean reserve(int beam, int fromTile, int toTile) {
    return reserve(new PagedTiles.Range(beam, 0, geometry().kvHeads(), fromTile, toTile));
  }

  private boolean reserve(PagedTiles.Range range) {
    PagedTiles.Copies copies = tiles.reserve(range);
    if (copies != null && copies.from().length > 0) {
      device.makeCurrent();
      pages.copySlots(copies.from(), copies.to(), geometry().tileTokens());
    }
    return copies != null;
  }

  /**
   * Lets {@link #get} find a tile whose writes are on the stream.
   *
   * @throws IllegalStateException if it is not being written
   */
  public void registerTile(int beam, int head, int tile) {
    tiles.publish(beam, head, tile);
  }

  /** As {@link #registerTile} for the tiles {@code fromTile} to {@code toTile - 1} of all heads. */
  public void registerTiles(int beam, int fromTile, int toTile) {
    for (int head = 0; head < geometry().kvHeads(); head++) {
      for (int tile = fromTile; tile < toTile; tile++) {
        tiles.publish(beam, head, tile);
      }
    }
  }

  /**
   * Device address of a registered tile, which is now the most recently used; {@link
   * TileGeometry#keyOffset} and the others say what lies where. {@link #ABSENT} where there is
   * none.
   */
  public long get(int beam, int head, int tile) {
    int page = tiles.find(beam, head, tile);
    return page == PagedTiles.NO_PAGE ? ABSENT : address(page);
  }

  /** Keeps a registered tile until as many {@link #unpin}; false where there is none. */
  public boolean pin(int beam, int head, int tile) {
    return tiles.pin(beam, head, tile);
  }

  /** Takes one pin back. */
  public void unpin(int beam, int head, int tile) {
    tiles.unpin(beam, head, tile);
  }

  /**
   * Forgets a tile, registered or not; its page is free where no beam shares it.
   *
   * @throws IllegalStateException if it is pinned
   */
  public void drop(int beam, int head, int tile) {
    tiles.drop(beam, head, tile);
  }

  /**
   * Lets a beam without tiles share all tiles of another one. O(tiles of a row).
   *
   * @throws IllegalStateException if one of them is being written, or {@code to} has tiles
   */
  public void fork(int from, int to) {
    tiles.fork(from, to);
  }

  /**
   * Brings what changed in the page table to the device, in the order of the stream; once per step.
   *
   * @return bytes sent: 8 per changed entry, and per entry between two of a (beam, head)
   */
  public int sync() {
    device.makeCurrent();
    return mirror.sync();
  }

  /**
   * The cache as kernels take it by value: {@code tilekv::KvTileCache<T>} of {@code
   * tilekv/kv_tile_cache.cuh}, {@link CudaKvMemory#HANDLE_BYTES} bytes that stay the same until the
   * cache is closed.
   */
  public ByteBuffer kernelHandle() {
    return handle.duplicate();
  }

  /** What there is and what has been done. */
  public GpuTileCacheStats stats() {
    return new GpuTileCacheStats(
        tiles.pool.pages(),
        tiles.pool.freePages(),
        tiles.evictable,
        tiles.hits,
        tiles.misses,
        tiles.evictions,
        tiles.copied,
        mirror.uploadedBytes());
  }

  /** Recounts the bookkeeping; throws {@link IllegalStateException} where it does not add up. */
  public void checkIntegrity() {
    new PagedTilesIntegrity(tiles).check();
  }

  private long address(int page) {
    return pages.address() + (long) page * geometry().tileBytes();
  }

  /** Waits for the stream and gives all memory back. Closing again does nothing. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    device.makeCurrent();
    try (OpenedResources all = opened) {
      stream.synchronize();
    }
  }
}
