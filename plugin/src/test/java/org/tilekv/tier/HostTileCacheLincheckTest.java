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

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;

/**
 * Whatever threads do at once could have been done one after the other, eviction and order of use
 * included: three keys in a cache of two tiles, in which each tile holds its value many times.
 */
@Param(name = "key", gen = IntGen.class, conf = "1:3")
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class HostTileCacheLincheckTest {
  private static final TileGeometry GEOMETRY = new TileGeometry(1, 1, 4, 1, KvDtype.INT8);
  private static final int TORN = -1;

  private final HostTileCache cache =
      HostTileCache.create(
          GEOMETRY, new byte[32], 2L * GEOMETRY.tileBytes(), new HeapSlabAllocator());

  @Operation
  public boolean put(@Param(name = "key") int key, @Param(name = "value") int value) {
    byte[] tile = new byte[GEOMETRY.tileBytes()];
    Arrays.fill(tile, (byte) value);
    return cache.put(TileKey.of(key, 0), tile, 0);
  }

  @Operation
  public int get(@Param(name = "key") int key) {
    byte[] tile = new byte[GEOMETRY.tileBytes()];
    if (!cache.get(TileKey.of(key, 0), tile, 0)) {
      return 0;
    }
    for (byte value : tile) {
      if (value != tile[0]) {
        return TORN;
      }
    }
    return tile[0];
  }

  @Operation
  public boolean remove(@Param(name = "key") int key) {
    return cache.remove(TileKey.of(key, 0));
  }

  @Operation
  public boolean contains(@Param(name = "key") int key) {
    return cache.contains(TileKey.of(key, 0));
  }

  @Test
  void linearizableInEveryInterleavingTried() {
    new ModelCheckingOptions()
        .iterations(10)
        .invocationsPerIteration(300)
        .threads(2)
        .actorsPerThread(3)
        .check(HostTileCacheLincheckTest.class);
  }

  /** Thousands of caches are made and forgotten: the garbage collector takes heap buffers. */
  private static final class HeapSlabAllocator implements HostAllocator {
    @Override
    public ByteBuffer allocate(int bytes) {
      return ByteBuffer.allocate(bytes);
    }

    @Override
    public void free(ByteBuffer slab) {
      // Nothing to do.
    }
  }
}
