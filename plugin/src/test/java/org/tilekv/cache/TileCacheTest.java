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
import static org.tilekv.cache.TestCaches.HEADS;
import static org.tilekv.cache.TestCaches.compute;
import static org.tilekv.cache.TestCaches.open;
import static org.tilekv.cache.TestCaches.request;
import static org.tilekv.cache.TestCaches.resident;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tilekv.CacheStats;
import org.tilekv.KvCache.PrefixProbe;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.MissReason;
import org.tilekv.SequenceRequest;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.TileKvException;

/** Prefixes, eviction and statistics of one cache. */
class TileCacheTest {

  private final TileCache cache = TestCaches.cache(5);

  @AfterEach
  void nothingIsLost() {
    cache.checkIntegrity();
    cache.close();
    cache.close();
    assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
    assertThat(cache.stats().openSequences()).isZero();
  }

  @Test
  void fullTilesAreSharedAndOneMoreIsCopiedInPart() {
    compute(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    TrackedSequence hit = TestCaches.track(cache, 1, 2, 3, 4, 5, 6, 7, 0, 0);
    assertThat(hit.sequence.cachedTokens()).isEqualTo(7).isEqualTo(hit.length());
    assertThat(cache.stats().hitTiles()).isEqualTo(1);
    assertThat(cache.stats().partialHits()).isEqualTo(1);
    assertThat(cache.stats().copiedPages()).isEqualTo(HEADS);
    assertThat(cache.stats().reusedTokens()).isEqualTo(7);
    TestCaches.append(hit, new int[] {0, 0});
    assertThat(resident(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9)).as("the donor is whole").isEqualTo(8);
    compute(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  @Test
  void theLastTokenOfAPromptIsNeverFound() {
    compute(cache, 1, 2, 3, 4, 5, 6, 7, 8);
    assertThat(resident(cache, 1, 2, 3, 4, 5, 6, 7, 8)).isEqualTo(7);
    assertThat(resident(cache, 1, 2, 3, 4)).isEqualTo(3);
    assertThat(resident(cache, 1)).isZero();
    assertThat(resident(cache, 2, 1, 3)).isZero();
  }

  @Test
  void saltsAndRequestsWithoutReuseAreApart() {
    compute(cache, request("a", 1, 2, 3, 4, 5));
    compute(cache, new SequenceRequest(new int[] {1, 2, 3, 4, 5}, 0, null, false));
    assertThat(resident(cache, 1, 2, 3, 4, 5)).isZero();
    assertThat(cache.probe(request("b", 1, 2, 3, 4, 5)).residentTokens()).isZero();
    assertThat(cache.probe(request("a", 1, 2, 3, 4, 5)).residentTokens()).isEqualTo(4);
    SequenceRequest without = new SequenceRequest(new int[] {1, 2, 3, 4, 5}, 0, "a", false);
    assertThat(cache.probe(without)).isEqualTo(new PrefixProbe(0, 0));
    assertThat(open(cache, without).cachedTokens()).isZero();
    assertThat(cache.stats().publishedTiles()).isEqualTo(1);
  }

  @Test
  void theTilesUsedLeastRecentlyAreEvictedLastTileFirst() {
    compute(cache, 1, 1, 1, 1, 2, 2, 2, 2, 9);
    compute(cache, 3, 3, 3, 3, 9);
    compute(cache, 4, 4, 4, 4, 9);
    assertThat(cache.stats().residentPages()).isEqualTo(4 * HEADS);
    open(cache, 1, 1, 1, 1, 2, 2, 2, 2, 9).close();
    compute(cache, 5, 5, 5, 5, 6, 6, 6, 6);
    assertThat(resident(cache, 3, 3, 3, 3, 9)).as("oldest").isZero();
    assertThat(resident(cache, 4, 4, 4, 4, 9)).isEqualTo(4);
    compute(cache, 7, 7, 7, 7, 8, 8, 8, 8);
    assertThat(resident(cache, 4, 4, 4, 4, 9)).isZero();
    assertThat(resident(cache, 1, 1, 1, 1, 2, 2, 2, 2, 9)).as("its tail goes first").isEqualTo(4);
    assertThat(cache.stats().evictedTiles()).isEqualTo(3);
  }

  @Test
  void tilesInUseAreNotEvicted() {
    compute(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    TrackedSequence holder = TestCaches.track(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    KvSequence greedy = open(cache, 7);
    assertThat(greedy.reserve(16)).isFalse();
    assertThat(greedy.reserve(12)).isTrue();
    assertThat(cache.clear()).isZero();
    holder.verify("held");
    assertThat(cache.availablePages()).isZero();
  }

  @Test
  void aPartialHitNeedsRoomForTheCopy() {
    compute(cache, 1, 2, 3, 4, 5);
    KvSequence greedy = open(cache, 7);
    assertThat(greedy.reserve(16)).isTrue();
    KvSequence sequence = open(cache, 1, 2, 9);
    assertThat(sequence.cachedTokens()).isZero();
    assertThat(cache.stats().partialHits()).isZero();
    assertThat(resident(cache, 1, 2, 3, 4, 5)).as("the donor stays").isEqualTo(4);
  }

  @Test
  void probeTellsWhatOpenSequencesWillPublish() {
    KvSequence writer = open(cache, 1, 2, 3, 4, 5, 6);
    assertThat(probe(1, 2, 3, 4, 5, 6)).isEqualTo(new PrefixProbe(0, 4));
    assertThat(probe(1, 2, 3, 9)).isEqualTo(new PrefixProbe(0, 3));
    assertThat(cache.probe(request("a", 1, 2, 3, 4, 5, 6))).isEqualTo(new PrefixProbe(0, 0));
    assertThat(writer.reserve(6)).isTrue();
    writer.commit(0, new int[] {1, 2, 3, 4}, 0, 4);
    assertThat(probe(1, 2, 3, 4, 5, 6)).isEqualTo(new PrefixProbe(4, 4));
    assertThat(cache.stats().promptTokens()).as("nothing is counted").isEqualTo(6);
  }

  @Test
  void everyMissHasItsReason() {
    compute(cache, request("a", 1, 2, 3, 4, 5, 6, 7, 8, 9));
    assertThat(cache.stats().missedTiles())
        .isEqualTo(Map.of(MissReason.NEVER_SEEN, 2L, MissReason.TOO_SHORT, 1L));
    open(cache, request("b", 1, 2, 3, 4, 0, 0, 0, 0, 0)).close();
    assertThat(cache.stats().missedTiles())
        .containsEntry(MissReason.OTHER_NAMESPACE, 1L)
        .containsEntry(MissReason.NEVER_SEEN, 3L);
    assertThat(cache.clear()).isEqualTo(2 * HEADS);
    open(cache, request("a", 1, 2, 3, 4, 5, 6, 7, 8, 9)).close();
    open(cache, new SequenceRequest(new int[] {1, 2, 3, 4, 5}, 0, null, false)).close();
    assertThat(cache.stats().missedTiles())
        .isEqualTo(
            Map.of(
                MissReason.NEVER_SEEN, 3L,
                MissReason.OTHER_NAMESPACE, 1L,
                MissReason.EVICTED, 2L,
                MissReason.TOO_SHORT, 3L));
  }

  @Test
  void gaugesAddUp() {
    compute(cache, 1, 2, 3, 4, 5);
    KvSequence sequence = open(cache, 1, 2, 3, 4, 5);
    sequence.reserve(6);
    CacheStats stats = cache.stats();
    assertThat(stats.pages()).isEqualTo(10);
    assertThat(List.of(stats.freePages(), stats.residentPages(), stats.pinnedPages()))
        .containsExactly(6, 0, 4);
    assertThat(stats.openSequences()).isEqualTo(1);
    assertThat(stats.sequencesOpened()).isEqualTo(2);
    assertThat(stats.promptTokens()).isEqualTo(10);
    sequence.close();
    stats = cache.stats();
    assertThat(List.of(stats.freePages(), stats.residentPages(), stats.pinnedPages()))
        .containsExactly(8, 2, 0);
    assertThat(stats.peakPinnedPages()).isEqualTo(4);
    assertThat(stats.tableReferences()).isZero();
  }

  @Test
  void aFullTableOpensNothing() {
    for (int row = 0; row < 4; row++) {
      open(cache, row);
    }
    assertThat(cache.open(request(9))).isNull();
    assertThat(cache.stats().sequencesOpened()).isEqualTo(4);
    assertThat(cache.releaseOwner(1)).isZero();
    assertThat(cache.releaseOwner(0)).isEqualTo(4);
    assertThat(cache.open(request(9))).isNotNull();
  }

  @Test
  void whatDoesNotFitTheCacheIsRefused() {
    assertThatThrownBy(() -> cache.open(request(new int[33])))
        .isInstanceOf(TileKvException.class)
        .hasMessage("the prompt has 33 tokens; sequences of this cache have at most 32");
    TileCacheOptions options = TestCaches.options(KvDtype.INT8, 2, 1, new AtomicLong());
    TileGeometry other = TestCaches.geometry(KvDtype.FLOAT16);
    assertThatThrownBy(() -> TileCache.create(options, TileArena.allocate(other, options.pages())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the memory has 4 pages of");
    assertThatThrownBy(() -> TileCache.create(options, TileArena.allocate(options.geometry(), 5)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> request())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("prompt has no tokens");
  }

  @Test
  void aClosedCacheOpensNothing() {
    KvSequence sequence = open(cache, 1);
    cache.close();
    assertThatThrownBy(() -> cache.open(request(1))).hasMessage("the tile cache is closed");
    assertThatThrownBy(() -> sequence.reserve(1)).isInstanceOf(TileKvException.class);
    assertThat(cache.probe(request(1, 2))).isEqualTo(new PrefixProbe(0, 0));
    assertThat(cache.expireLeases()).isZero();
  }

  private PrefixProbe probe(int... prompt) {
    return cache.probe(request(prompt));
  }
}
