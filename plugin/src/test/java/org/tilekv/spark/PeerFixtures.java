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
package org.tilekv.spark;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvDtype;
import org.tilekv.SequenceRequest;
import org.tilekv.TileGeometry;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.cache.TileLoad;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.Namespace;

/** Small caches of one namespace, with random bytes for tiles. */
final class PeerFixtures {

  static final int TILE_TOKENS = 4;
  static final Namespace NAMESPACE = Namespace.builder().field("weights", "test").build();
  private static final TileGeometry GEOMETRY =
      new TileGeometry(2, 2, 8, TILE_TOKENS, KvDtype.BFLOAT16);

  private PeerFixtures() {}

  /** A cache that holds so many tiles of all heads. */
  static TileCache cache(int tiles) {
    return TileCache.create(
        new TileCacheOptions(
            GEOMETRY, tiles * GEOMETRY.kvHeads(), 8, 64, NAMESPACE, 60_000, true, () -> 0));
  }

  /** A prompt of so many full tiles and one more token. */
  static SequenceRequest request(Random random, int tiles, @Nullable String salt) {
    return request(random.ints(tiles * TILE_TOKENS + 1L, 0, 1000).toArray(), salt);
  }

  static SequenceRequest request(int[] prompt, @Nullable String salt) {
    return new SequenceRequest(prompt, 1, salt, true);
  }

  /** Puts random bytes for all full tiles of a prompt. */
  static void fill(TileCache cache, SequenceRequest request, Random random) {
    try (TileLoad load = Objects.requireNonNull(cache.load(request))) {
      while (load.hasNext()) {
        byte[] bytes = new byte[cache.groupBytes()];
        random.nextBytes(bytes);
        if (!load.add(ByteBuffer.wrap(bytes))) {
          throw new AssertionError("the cache has no room");
        }
      }
    }
  }

  static List<NamedTile> tiles(SequenceRequest request) {
    return PromptTiles.of(NAMESPACE, request, TILE_TOKENS);
  }

  /** Bytes of a resident tile, or null. */
  static byte @Nullable [] read(TileCache cache, NamedTile tile) {
    ByteBuffer bytes = ByteBuffer.allocate(cache.groupBytes());
    return cache.read(tile.name(), bytes) == null ? null : bytes.array();
  }

  /** Leading tiles of a prompt that both caches hold, with the same bytes. */
  static int sameTiles(TileCache one, TileCache other, SequenceRequest request) {
    int same = 0;
    for (NamedTile tile : tiles(request)) {
      byte[] bytes = read(other, tile);
      if (bytes == null || !java.util.Arrays.equals(bytes, read(one, tile))) {
        return same;
      }
      same++;
    }
    return same;
  }
}
