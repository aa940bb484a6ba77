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
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.tilekv.cache.TestCaches.compute;
import static org.tilekv.cache.TestCaches.request;
import static org.tilekv.cache.TestCaches.resident;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileKvException;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;

/** Tiles that leave one cache and enter another. */
class TileLoadTest {

  private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8, 9};

  private final TileCache from = TestCaches.cache(4);
  private final TileCache to = TestCaches.cache(3);

  @AfterEach
  void nothingIsLost() {
    for (TileCache cache : List.of(from, to)) {
      cache.checkIntegrity();
      cache.close();
      assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
    }
  }

  private static ByteBuffer read(TileCache cache, ChainHash name) {
    ByteBuffer bytes = ByteBuffer.allocate(cache.groupBytes());
    assertThat(cache.read(name, bytes)).isNotNull();
    return bytes.flip();
  }

  private static TileLoad load(TileCache cache, int... prompt) {
    return Objects.requireNonNull(cache.load(request(prompt)));
  }

  private static int loadAll(TileCache from, TileCache to, int... prompt) {
    try (TileLoad load = load(to, prompt)) {
      while (load.hasNext() && load.add(read(from, load.nextName()))) {
        to.checkIntegrity();
      }
      return load.tiles();
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void loadedTilesHoldTheBytesOfTheirPrompt(KvDtype dtype) {
    TileCacheOptions options = TestCaches.options(dtype, 4, 4, new AtomicLong());
    try (TileCache a =
            TileCache.create(options, TileArena.allocate(options.geometry(), options.pages()));
        TileCache b =
            TileCache.create(options, TileArena.allocate(options.geometry(), options.pages()))) {
      compute(a, PROMPT);
      assertThat(loadAll(a, b, PROMPT)).isEqualTo(2);
      TrackedSequence hit = TestCaches.track(b, PROMPT);
      assertThat(hit.sequence.cachedTokens()).isEqualTo(8);
      hit.sequence.close();
      b.checkIntegrity();
    }
  }

  @Test
  void aLoadGoesOnBehindWhatIsResident() {
    compute(from, PROMPT);
    compute(to, 1, 2, 3, 4, 5, 6);
    try (TileLoad load = load(to, PROMPT)) {
      assertThat(load.tiles()).as("full tiles alone").isEqualTo(1);
      assertThat(load.add(read(from, load.nextName()))).isTrue();
      assertThat(load.hasNext()).isFalse();
      assertThatThrownBy(load::nextName).isInstanceOf(IllegalStateException.class);
    }
    assertThat(resident(to, PROMPT)).isEqualTo(8);
    assertThat(to.stats().loadedTiles()).isEqualTo(1);
    assertThat(to.stats().sequencesOpened()).as("a load is not a request").isEqualTo(1);
  }

  @Test
  void whatIsInPlaceIsPinnedUntilTheLoadEnds() {
    compute(from, PROMPT);
    try (TileLoad load = load(to, PROMPT)) {
      assertThat(load.add(read(from, load.nextName()))).isTrue();
      assertThat(to.clear()).isZero();
      assertThat(resident(to, PROMPT)).as("others find it at once").isEqualTo(4);
    }
    assertThat(to.clear()).isEqualTo(TestCaches.HEADS);
  }

  @Test
  void aFullPoolTakesNoMore() {
    compute(from, PROMPT);
    var holder = TestCaches.open(to, 9, 9, 9, 9, 9, 9, 9, 9);
    assertThat(holder.reserve(8)).isTrue();
    assertThat(loadAll(from, to, PROMPT)).isEqualTo(1);
    holder.close();
    assertThat(loadAll(from, to, PROMPT)).isEqualTo(2);
  }

  @Test
  void tilesOfAnotherSaltAreNotMixed() {
    compute(from, request("a", PROMPT));
    try (TileLoad load = load(to, PROMPT)) {
      ByteBuffer bytes = ByteBuffer.allocate(from.groupBytes());
      assertThat(from.read(load.nextName(), bytes)).isNull();
      assertThat(bytes.position()).isZero();
    }
  }

  @Test
  void aClosedOrExpiredLoadAddsNothing() {
    AtomicLong clockMs = new AtomicLong();
    try (TileCache cache = TestCaches.cache(3, 4, clockMs)) {
      compute(from, PROMPT);
      TileLoad load = load(cache, PROMPT);
      ByteBuffer bytes = read(from, load.nextName());
      assertThatThrownBy(() -> load.add(ByteBuffer.allocate(3)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3 bytes for a tile of");
      clockMs.addAndGet(TestCaches.TTL_MS + 1);
      assertThat(cache.expireLeases()).isEqualTo(1);
      assertThatThrownBy(() -> load.add(bytes)).isInstanceOf(TileKvException.class);
      cache.checkIntegrity();
      assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
    }
  }

  @Test
  void aTileThatWasComputedMeanwhileIsTakenOnce() {
    compute(from, PROMPT);
    try (TileLoad load = load(to, PROMPT)) {
      compute(to, 1, 2, 3, 4, 5);
      assertThat(load.add(read(from, load.nextName()))).isTrue();
      to.checkIntegrity();
    }
    assertThat(to.stats().residentPages()).isEqualTo(TestCaches.HEADS);
  }

  @Test
  void residentTilesComeParentsFirst() {
    compute(from, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    compute(from, 1, 2, 3, 4, 9, 9, 9, 9, 9);
    List<NamedTile> tiles = from.residentTiles();
    assertThat(tiles).hasSize(3);
    assertThat(tiles.get(0).tokens()).containsExactly(1, 2, 3, 4);
    assertThat(tiles.get(1).parent()).isEqualTo(tiles.get(0).name());
    assertThat(tiles.get(2).parent()).isEqualTo(tiles.get(0).name());
    assertThat(ChainHash.of(tiles.get(0).name().bytes())).isEqualTo(tiles.get(0).name());
  }
}
