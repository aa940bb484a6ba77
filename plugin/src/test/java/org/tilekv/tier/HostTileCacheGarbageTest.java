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

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;

/**
 * Puts, gets, overwrites and evictions allocate nothing, in the interpreter as in compiled code.
 */
class HostTileCacheGarbageTest {
  private static final int CALLS = 10_000;
  private static final int TILES = 4;

  /** What the measurement itself and class loading may take; one byte per call would be above. */
  private static final long ALLOWED_BYTES = 4_096;

  @Test
  void callsMakeNoGarbage() {
    TileKey[] keys = new TileKey[TILES + 1];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = TileKey.of(i, 0);
    }
    try (HostTileCache cache = Tiles.cache(KvDtype.BFLOAT16, TILES)) {
      calls(cache, keys);
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long before = threads.getCurrentThreadAllocatedBytes();
      calls(cache, keys);
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertThat(allocated).isLessThan(ALLOWED_BYTES);
    }
  }

  private static void calls(HostTileCache cache, TileKey[] keys) {
    byte[] bytes = new byte[cache.geometry().tileBytes()];
    short[] shorts = new short[cache.geometry().tileElements()];
    for (int call = 0; call < CALLS; call++) {
      TileKey key = keys[call % keys.length];
      cache.put(key, bytes, 0);
      cache.get(key, shorts, 0);
      cache.put(key, shorts, 0);
      cache.get(keys[0], bytes, 0);
    }
  }
}
