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

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.KvDtype;

/** Random calls against a LinkedHashMap in order of access. */
class HostTileCacheModelTest {
  private static final int CALLS = 20_000;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 64})
  void behavesLikeALinkedHashMap(int capacityTiles) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Map<TileKey, byte[]> model =
        new LinkedHashMap<>(16, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<TileKey, byte[]> eldest) {
            return size() > capacityTiles;
          }
        };
    try (HostTileCache cache = Tiles.cache(KvDtype.BFLOAT16, capacityTiles)) {
      for (int call = 0; call < CALLS; call++) {
        step(cache, model, random, 2 * capacityTiles + 1, "seed " + seed + ", call " + call);
        if (call % 500 == 0) {
          cache.checkIntegrity();
        }
      }
      cache.checkIntegrity();
    }
  }

  private static void step(
      HostTileCache cache, Map<TileKey, byte[]> model, Random random, int keys, String where) {
    TileKey key = TileKey.of(random.nextInt(keys), random.nextInt(2));
    int tileBytes = cache.geometry().tileBytes();
    int choice = random.nextInt(1000);
    if (choice < 450) {
      byte[] tile = Tiles.bytes(tileBytes, random.nextLong());
      assertThat(cache.put(key, tile, 0)).as(where).isTrue();
      model.put(key, tile);
    } else if (choice < 900) {
      byte[] read = new byte[tileBytes];
      boolean hit = cache.get(key, read, 0);
      byte[] expected = model.get(key);
      assertThat(hit ? read : null).as(where).isEqualTo(expected);
    } else if (choice < 950) {
      assertThat(cache.contains(key)).as(where).isEqualTo(model.containsKey(key));
    } else if (choice < 998) {
      assertThat(cache.remove(key)).as(where).isEqualTo(model.remove(key) != null);
    } else {
      cache.clear();
      model.clear();
    }
    if (choice % 10 == 0) {
      assertThat(cache.keysOldestFirst())
          .as(where)
          .containsExactlyElementsOf(new ArrayList<>(model.keySet()));
    }
  }
}
