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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.DeviceTiles;
import org.tilekv.cuda.KernelArguments;

/**
 * Where K and V are on a device: the mirror of the page table says which page, the pool has its
 * bytes.
 */
public record CudaKvMemory(CudaPageTable table, DeviceTiles tiles) {

  /** Bytes of {@link #kernelHandle}. */
  public static final int HANDLE_BYTES = 56;

  /** Shape of a tile. */
  public TileGeometry geometry() {
    return tiles.geometry();
  }

  /**
   * Adds what all attention kernels are told of tiles and table: KV heads, query heads per KV head,
   * tiles of a row, tile tokens as a power of two, elements of a page, layer.
   */
  KernelArguments describe(KernelArguments arguments, int groupSize, int layer) {
    TileGeometry geometry = geometry();
    return arguments
        .integer(geometry.kvHeads())
        .integer(groupSize)
        .integer(table.maxTiles())
        .integer(Integer.numberOfTrailingZeros(geometry.tileTokens()))
        .integer(geometry.tileElements())
        .integer(layer);
  }

  /**
   * What users' kernels take by value: {@code tilekv::KvTileCache} of {@code
   * tilekv/kv_tile_cache.cuh}, for layer 0. Valid as long as the memory is open.
   */
  public ByteBuffer kernelHandle() {
    TileGeometry geometry = geometry();
    ByteBuffer handle = ByteBuffer.allocate(HANDLE_BYTES).order(ByteOrder.nativeOrder());
    handle.putLong(tiles.address()).putLong(table.address()).putLong(geometry.tileElements());
    handle.putInt(table.emptyRow()).putInt(geometry.kvHeads()).putInt(table.maxTiles());
    handle.putInt(geometry.layers());
    handle.putInt(Integer.numberOfTrailingZeros(geometry.tileTokens()));
    handle.putInt(geometry.headDim()).putInt(0).putInt(geometry.dtype().bytes());
    return handle.flip();
  }
}
