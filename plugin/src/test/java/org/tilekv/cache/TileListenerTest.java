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

import static org.assertj.core.api.Assertions.assertThat;
import static org.tilekv.cache.TestCaches.compute;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;

/** What others learn of a cache: which tiles it has, which it uses most, and how to take them. */
class TileListenerTest {

  private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8, 9};

  private final TileCache cache = TestCaches.cache(6);
  private final Set<ChainHash> heard = new LinkedHashSet<>();

  private final TileListener listener =
      new TileListener() {
        @Override
        public void published(ChainHash name) {
          assertThat(heard.add(name)).as("published once").isTrue();
        }

        @Override
        public void dropped(ChainHash name) {
          assertThat(heard.remove(name)).as("dropped after it was published").isTrue();
        }
      };

  @AfterEach
  void close() {
    cache.close();
  }

  private Set<ChainHash> resident() {
    Set<ChainHash> names = new HashSet<>();
    cache.residentTiles().forEach(tile -> names.add(tile.name()));
    return names;
  }

  @Test
  void aListenerKnowsAllTilesAtAnyTime() {
    compute(cache, PROMPT);
    cache.listen(listener);
    assertThat(heard).isEqualTo(resident()).hasSize(2);
    Random random = new Random(4);
    for (int i = 0; i < 60; i++) {
      int[] prompt = random.ints(1 + random.nextInt(20), 0, 2).toArray();
      compute(cache, prompt);
      assertThat(heard).isEqualTo(resident());
    }
    assertThat(cache.stats().evictedTiles()).isPositive();
    cache.clear();
    assertThat(heard).isEmpty();
  }

  @Test
  void aListenerHearsOfInstalledTiles() {
    cache.listen(listener);
    compute(cache, PROMPT);
    NamedTile tile = cache.residentTiles().get(0);
    ByteBuffer bytes = ByteBuffer.allocate(cache.groupBytes());
    cache.read(tile.name(), bytes);
    cache.clear();
    assertThat(heard).isEmpty();
    assertThat(cache.install(tile, bytes.flip(), true)).isTrue();
    assertThat(heard).isEqualTo(resident()).hasSize(1);
    assertThat(cache.install(tile, bytes, true)).as("again").isTrue();
    assertThat(heard).hasSize(1);
    cache.clear();
    assertThat(heard).isEmpty();
  }

  @Test
  void theHottestTilesComeFirstAndAfterTheirParents() {
    compute(cache, 7, 7, 7, 7, 7, 7, 7, 7, 7);
    compute(cache, PROMPT);
    compute(cache, 8, 8, 8, 8, 8);
    for (int i = 0; i < 3; i++) {
      TestCaches.open(cache, PROMPT).close();
    }
    List<NamedTile> two = cache.hottestTiles(2);
    assertThat(two.get(0).tokens()).containsExactly(1, 2, 3, 4);
    assertThat(two.get(1).tokens()).containsExactly(5, 6, 7, 8);
    assertThat(two.get(1).parent()).isEqualTo(two.get(0).name());
    List<NamedTile> all = cache.hottestTiles(100);
    assertThat(all).hasSize(5);
    Set<ChainHash> seen = new HashSet<>();
    ChainHash root = all.get(0).parent();
    for (NamedTile tile : all) {
      assertThat(tile.parent().equals(root) || seen.contains(tile.parent())).isTrue();
      seen.add(tile.name());
    }
    assertThat(cache.hottestTiles(0)).isEmpty();
  }

  @Test
  void tilesOfAnUnknownSaltAreTakenByTheirRoot() {
    int[] prompt = {1, 2, 3, 4, 5};
    ChainHash root = ChainHash.root(cache.namespace(), "tenant");
    try (TileLoad load = Objects.requireNonNull(cache.load(root, prompt))) {
      assertThat(load.nextName()).isEqualTo(root.child(prompt, 0, 4));
      assertThat(load.add(ByteBuffer.allocate(cache.groupBytes()))).isTrue();
    }
    assertThat(cache.probe(TestCaches.request("tenant", prompt)).residentTokens()).isEqualTo(4);
    assertThat(cache.probe(TestCaches.request("other", prompt)).residentTokens()).isZero();
    assertThat(cache.probe(TestCaches.request(prompt)).residentTokens()).isZero();
    cache.checkIntegrity();
  }
}
