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
import static org.tilekv.cache.TestCaches.request;
import static org.tilekv.cache.TestCaches.resident;

import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.KvSequence;
import org.tilekv.MissReason;
import org.tilekv.cache.MapTier.Fault;
import org.tilekv.prefix.NamedTile;
import org.tilekv.tier.DirectAllocator;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.Reuse;

/** Tiles that leave a pool of three, and come back. */
class CacheTierTest {

  private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  private static final int[] OTHER = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  private static final int STAGED = 4;
  private static final Set<Fault> WHILE_WRITING =
      EnumSet.of(Fault.REFUSES, Fault.THROWS_ON_PUT, Fault.NO_MEMORY_ON_PUT);

  private final AtomicLong nowNs = new AtomicLong();
  private final TileCache cache = TestCaches.cache(3);
  private final MapTier below = new MapTier(cache.groupBytes());
  private final ManualExecutor writes = new ManualExecutor();
  private final ManualExecutor reads = new ManualExecutor();
  private final CacheTier tier = open(STAGED);

  private CacheTier open(int stagedTiles) {
    CacheTierOptions options =
        new CacheTierOptions((long) stagedTiles * cache.groupBytes(), 1, DirectAllocator.DIRECT);
    return new CacheTier(cache, below, options, writes, reads, nowNs::get);
  }

  @AfterEach
  void nothingIsLeft() {
    cache.checkIntegrity();
    tier.checkIntegrity();
    tier.close();
    assertThat(tier.allocatedSlots()).isZero();
    assertThat(below.closed).isTrue();
    assertThat(cache.stats().pinnedPages()).isZero();
    cache.close();
    assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
  }

  private int loadable(int... prompt) {
    return tier.loadableTokens(request(prompt), resident(cache, prompt));
  }

  private void load(int... prompt) {
    CompletableFuture<Void> loaded = tier.load(request(prompt));
    reads.runAll();
    assertThat(loaded).isCompleted();
    cache.checkIntegrity();
  }

  @Test
  void tilesThatLeaveThePoolComeBackWithTheirBytes() {
    compute(cache, PROMPT);
    assertThat(loadable(PROMPT)).as("all is resident").isEqualTo(8);
    assertThat(tier.load(request(PROMPT))).isCompleted();
    compute(cache, OTHER);
    assertThat(resident(cache, PROMPT)).isZero();
    assertThat(below.groups).as("nothing is written by who needs the room").isEmpty();
    assertThat(loadable(PROMPT)).as("on its way is there").isEqualTo(8);
    writes.runAll();
    assertThat(below.groups).hasSize(2);
    assertThat(loadable(PROMPT)).isEqualTo(8);
    load(PROMPT);
    assertThat(resident(cache, PROMPT)).isEqualTo(8);
    TrackedSequence hit = TestCaches.track(cache, PROMPT);
    assertThat(hit.sequence.cachedTokens()).isEqualTo(8);
    hit.sequence.close();
    TierStats stats = tier.stats();
    assertThat(stats.savedTiles()).isEqualTo(2);
    assertThat(stats.loadedTiles()).isEqualTo(2);
    assertThat(stats.loads()).isEqualTo(1);
  }

  @Test
  void tilesOnTheirWayComeBack() {
    compute(cache, PROMPT);
    compute(cache, OTHER);
    load(PROMPT);
    TrackedSequence hit = TestCaches.track(cache, PROMPT);
    assertThat(hit.sequence.cachedTokens()).isEqualTo(8);
    hit.sequence.close();
    assertThat(tier.stats().below().hits()).as("but for the calibration").isEqualTo(3);
  }

  @Test
  void aTileThatIsBelowAlreadyIsDropped() {
    compute(cache, PROMPT);
    compute(cache, OTHER);
    writes.runAll();
    load(PROMPT);
    writes.runAll();
    long puts = below.stats().puts();
    compute(cache, OTHER);
    writes.runAll();
    assertThat(below.stats().puts()).isEqualTo(puts);
    assertThat(tier.stats().cleanEvictions()).isPositive();
  }

  @Test
  void whatDoesNotFitOnTheWayIsDroppedAndCounted() {
    for (int prompt = 0; prompt < 10; prompt++) {
      compute(cache, prompt, 1, 2, 3, 4, 5, 6, 7, 8);
    }
    assertThat(tier.stats().droppedUnsaved()).isEqualTo(20 - 2 - STAGED);
    tier.checkIntegrity();
    writes.runAll();
    assertThat(tier.stats().savedTiles()).isEqualTo(STAGED);
  }

  @Test
  void requestsOfOnePrefixShareALoad() {
    compute(cache, PROMPT);
    compute(cache, OTHER);
    CompletableFuture<Void> first = tier.load(request(PROMPT));
    assertThat(tier.load(request(1, 2, 3, 4, 5, 6, 7, 8, 1, 1))).isSameAs(first);
    CompletableFuture<Void> shorter = tier.load(request(1, 2, 3, 4, 5));
    assertThat(reads.waiting()).isEqualTo(1);
    assertThat(cache.probe(request(PROMPT)).promisedTokens()).as("a load is no promise").isZero();
    reads.runAll();
    assertThat(first).isCompleted();
    assertThat(shorter).isCompleted();
    assertThat(tier.stats().loads()).isEqualTo(1);
    assertThat(tier.stats().sharedLoads()).isEqualTo(2);
    assertThat(tier.stats().loadedTiles()).isEqualTo(2);
  }

  @Test
  void loadsThatDivergeFollowEachOther() {
    compute(cache, 1, 2, 3, 4, 5, 5, 5, 5, 0);
    compute(cache, 1, 2, 3, 4, 6, 6, 6, 6, 0);
    compute(cache, OTHER);
    compute(cache, 7, 7, 7, 7, 7);
    writes.runAll();
    CompletableFuture<Void> first = tier.load(request(1, 2, 3, 4, 5, 5, 5, 5, 0));
    CompletableFuture<Void> second = tier.load(request(1, 2, 3, 4, 6, 6, 6, 6, 0));
    reads.runAll();
    assertThat(first).isCompleted();
    assertThat(second).isCompleted();
    assertThat(resident(cache, 1, 2, 3, 4, 5, 5, 5, 5, 0)).isEqualTo(8);
    assertThat(resident(cache, 1, 2, 3, 4, 6, 6, 6, 6, 0)).isEqualTo(8);
    assertThat(tier.stats().loadedTiles()).isEqualTo(3);
  }

  @Test
  void onlyWhatIsCheaperToLoadIsLoaded() {
    compute(cache, PROMPT);
    compute(cache, OTHER);
    writes.runAll();
    tier.computed(1000, 1000L * 1_000_000);
    assertThat(loadable(PROMPT)).as("4 ms for a tile").isEqualTo(8);
    for (int step = 0; step < 100; step++) {
      tier.computed(1000, 1000);
    }
    assertThat(loadable(PROMPT)).as("4 ns for a tile").isZero();
    assertThat(tier.stats().cheaperComputed()).isEqualTo(1);
  }

  @Test
  void setAsideTilesAreWorthWriting() {
    TrackedSequence row = TestCaches.track(cache, PROMPT);
    TestCaches.append(row, PROMPT);
    NamedTile tile = cache.residentTiles().get(0);
    row.sequence.setAside();
    compute(cache, OTHER);
    writes.runAll();
    assertThat(below.reuse(GroupKey.of(tile.name().bytes()))).isEqualTo(Reuse.PLANNED);
    load(PROMPT);
    compute(cache, PROMPT);
    below.groups.clear();
    compute(cache, OTHER);
    writes.runAll();
    assertThat(below.reuse(GroupKey.of(tile.name().bytes())))
        .as("loaded, and used again")
        .isEqualTo(Reuse.REUSED);
  }

  @ParameterizedTest
  @EnumSource(value = Fault.class, names = "NONE", mode = EnumSource.Mode.EXCLUDE)
  void whatGoesWrongBelowIsAMiss(Fault fault) {
    if (WHILE_WRITING.contains(fault)) {
      below.fault = fault;
    }
    compute(cache, PROMPT);
    compute(cache, OTHER);
    writes.runAll();
    below.fault = fault;
    load(PROMPT);
    assertThat(resident(cache, PROMPT)).isZero();
    compute(cache, PROMPT);
    TierStats stats = tier.stats();
    assertThat(stats.refusedSaves() + stats.failedLoads()).isPositive();
    if (fault == Fault.LOSES || fault == Fault.OTHER_TOKENS) {
      assertThat(cache.stats().missedTiles().get(MissReason.LOAD_FAILED)).isEqualTo(1);
    }
  }

  /**
   * The tier refuses a tile that a load was to continue, and that leaves the pool before it runs.
   */
  @Test
  void aLoadWithNothingToContinueIsNoFailure() {
    compute(cache, PROMPT);
    NamedTile first = cache.residentTiles().get(0);
    compute(cache, OTHER);
    writes.runAll();
    load(1, 2, 3, 4, 5);
    below.groups.remove(GroupKey.of(first.name().bytes()));
    CompletableFuture<Void> loading = tier.load(request(PROMPT));
    assertThat(loading).as("the second tile is below").isNotDone();
    below.admits = false;
    compute(cache, OTHER);
    assertThat(resident(cache, PROMPT)).isZero();
    reads.runAll();
    assertThat(loading).isCompleted();
    compute(cache, PROMPT);
    assertThat(tier.stats().failedLoads()).isZero();
    assertThat(cache.stats().missedTiles()).doesNotContainKey(MissReason.LOAD_FAILED);
  }

  @Test
  void aFullPoolTakesWhatFits() {
    compute(cache, PROMPT);
    compute(cache, OTHER);
    writes.runAll();
    try (KvSequence holder = TestCaches.open(cache, 6, 6, 6, 6, 6, 6, 6, 6)) {
      assertThat(holder.reserve(8)).isTrue();
      load(PROMPT);
      assertThat(resident(cache, PROMPT)).isEqualTo(4);
      assertThat(tier.stats().loadsWithoutRoom()).isEqualTo(1);
    }
  }

  @Test
  void aLoadFindsNoRow() {
    compute(cache, PROMPT);
    compute(cache, OTHER);
    KvSequence[] rows = new KvSequence[4];
    for (int row = 0; row < rows.length; row++) {
      rows[row] = TestCaches.open(cache, 5);
    }
    load(PROMPT);
    assertThat(tier.stats().loadsWithoutRoom()).isEqualTo(1);
    for (KvSequence row : rows) {
      row.close();
    }
  }

  @Test
  void closingWhileTilesMoveEndsLoads() {
    compute(cache, PROMPT);
    compute(cache, OTHER);
    CompletableFuture<Void> loaded = tier.load(request(PROMPT));
    tier.close();
    assertThat(loaded).isCompleted();
    assertThat(tier.load(request(PROMPT))).isCompleted();
    compute(cache, PROMPT);
    assertThat(tier.stats().loadedTiles()).isZero();
  }
}
