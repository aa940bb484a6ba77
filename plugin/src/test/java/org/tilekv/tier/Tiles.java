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

import java.util.Random;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;

/** Small tiles for tests. */
final class Tiles {
  static final byte[] NAMESPACE = bytes(32, 7);

  /** 2 layers, 2 heads, head dim 4, 2 tokens: 32 elements. */
  static TileGeometry geometry(KvDtype dtype) {
    return new TileGeometry(2, 2, 4, 2, dtype);
  }

  static HostTileCache cache(KvDtype dtype, int capacityTiles) {
    TileGeometry geometry = geometry(dtype);
    return HostTileCache.create(geometry, NAMESPACE, (long) capacityTiles * geometry.tileBytes());
  }

  static byte[] bytes(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static float[] gaussian(int length, long seed) {
    Random random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private Tiles() {}
}
