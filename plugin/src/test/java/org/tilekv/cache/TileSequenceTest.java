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
import static org.tilekv.cache.TestCaches.append;
import static org.tilekv.cache.TestCaches.compute;
import static org.tilekv.cache.TestCaches.open;
import static org.tilekv.cache.TestCaches.resident;
import static org.tilekv.cache.TestCaches.track;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.tilekv.KvSequence;
import org.tilekv.TileKvException;

/** Reserving, committing, forking and reordering. */
class TileSequenceTest {

  private final TileCache cache = TestCaches.cache(10);

  @AfterEach
  void nothingIsLost() {
    cache.checkIntegrity();
    cache.releaseOwner(0);
    cache.checkIntegrity();
    cache.clear();
    assertThat(cache.stats().freePages()).isEqualTo(cache.stats().pages());
    cache.close();
  }

  @Test
  void reserveTakesThePagesThatTheLengthNeeds() {
    KvSequence sequence = open(cache, 1, 2, 3);
    assertThat(sequence.reserve(4)).isTrue();
    assertThat(cache.stats().pinnedPages()).isEqualTo(HEADS);
    assertThat(sequence.reserve(5)).isTrue();
    assertThat(sequence.reserve(2)).as("no less than before").isTrue();
    assertThat(cache.stats().pinnedPages()).isEqualTo(2 * HEADS);
    assertThat(sequence.length()).isZero();
    assertThat(cache.table().lookup(sequence.row(0), 1, 1)).isNotNegative();
    assertThat(cache.table().lookup(sequence.row(0), 1, 2)).isEqualTo(-1);
  }

  @Test
  void reserveChangesNothingWhereThereIsNoRoom() {
    compute(cache, 9, 9, 9, 9, 9);
    KvSequence large = open(cache, 1);
    assertThat(large.reserve(32)).isTrue();
    KvSequence small = open(cache, 2);
    assertThat(small.reserve(12)).as("3 tiles of 2").isFalse();
    assertThat(cache.stats().evictedTiles()).as("evicted in vain").isZero();
    assertThat(cache.stats().pinnedPages()).isEqualTo(8 * HEADS);
    assertThat(small.reserve(8)).isTrue();
    assertThat(cache.stats().evictedTiles()).isEqualTo(1);
    assertThat(cache.availablePages()).isZero();
  }

  @Test
  void aSequenceLongerThanTheTableIsRefused() {
    KvSequence sequence = open(cache, 1);
    assertThatThrownBy(() -> sequence.reserve(33))
        .isInstanceOf(TileKvException.class)
        .hasMessage("a length of 33 tokens is asked for; sequences of this cache have at most 32");
  }

  @Test
  void onlyReservedTokensAreCommitted() {
    KvSequence sequence = open(cache, 1, 2, 3, 4, 5);
    assertThat(sequence.reserve(4)).isTrue();
    assertThatThrownBy(() -> sequence.commit(0, new int[] {1, 2, 3, 4, 5}, 0, 5))
        .isInstanceOf(TileKvException.class)
        .hasMessage("beam 0 commits 5 tokens; 4 are reserved");
    assertThatThrownBy(() -> sequence.commit(0, new int[] {1, 2}, 1, 2))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> sequence.commit(1, new int[] {1}, 0, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("beam is 1; this sequence has beams 0 to 0");
    assertThat(sequence.length()).as("nothing is committed").isZero();
    assertThat(cache.stats().publishedTiles()).isZero();
  }

  @Test
  void aFullTileIsFoundAtOnceAndAPartlyFilledOneNever() {
    TrackedSequence tracked = track(cache, 1, 2, 3, 4, 5, 6, 7);
    append(tracked, new int[] {1, 2, 3});
    assertThat(resident(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9)).isZero();
    append(tracked, new int[] {4, 5, 6, 7});
    assertThat(resident(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9)).isEqualTo(4);
    append(tracked, new int[] {8});
    assertThat(resident(cache, 1, 2, 3, 4, 5, 6, 7, 8, 9)).isEqualTo(8);
    assertThat(cache.stats().publishedTiles()).isEqualTo(2);
  }

  @Test
  void equalTilesOfTwoSequencesBecomeOne() {
    TrackedSequence first = track(cache, 1, 2, 3, 4, 5);
    TrackedSequence second = track(cache, 1, 2, 3, 4, 6);
    append(first, new int[] {1, 2, 3, 4});
    append(second, new int[] {1, 2, 3, 4, 6});
    assertThat(cache.stats().pinnedPages()).as("one full tile, one begun").isEqualTo(2 * HEADS);
    assertThat(cache.stats().publishedTiles()).isEqualTo(1);
    first.sequence.close();
    second.verify("after the other closed");
  }

  @Test
  void forkedBeamsShareAllPagesUntilTheyWrite() {
    TrackedSequence tracked = track(cache, 1, 2, 3, 4, 5, 6);
    append(tracked, new int[] {1, 2, 3, 4, 5, 6});
    fork(tracked, 3);
    assertThat(cache.stats().pinnedPages()).isEqualTo(2 * HEADS);
    assertThat(cache.stats().tableReferences()).isEqualTo(6 * HEADS);
    assertThat(cache.stats().copiedPages()).isZero();
    append(tracked, new int[] {7}, new int[] {8}, new int[] {9});
    assertThat(cache.stats().copiedPages()).as("all but the last user copy").isEqualTo(2 * HEADS);
    assertThat(cache.stats().pinnedPages()).isEqualTo(4 * HEADS);
    append(tracked, new int[] {1}, new int[] {2}, new int[] {3});
    assertThat(cache.stats().copiedPages()).isEqualTo(2 * HEADS);
    assertThat(cache.stats().peakTableReferences()).isEqualTo(6 * HEADS);
  }

  @Test
  void tilesReservedBeforeAForkAreNotSharedByWhatIsWrittenAfterIt() {
    TrackedSequence tracked = track(cache, 1, 2);
    assertThat(tracked.sequence.reserve(12)).isTrue();
    tracked.write(new int[][] {{1, 2}});
    fork(tracked, 2);
    append(
        tracked,
        new int[] {3, 4, 5, 6, 7, 8, 9, 10, 11},
        new int[] {13, 14, 15, 16, 17, 18, 19, 20, 21});
    assertThat(cache.stats().pinnedPages()).isEqualTo(6 * HEADS);
    assertThat(cache.stats().copiedPages()).as("only what holds tokens").isEqualTo(HEADS);
  }

  @Test
  void tokensAreNotCommittedIntoASharedTile() {
    TrackedSequence tracked = track(cache, 1, 2);
    append(tracked, new int[] {1, 2});
    fork(tracked, 2);
    assertThatThrownBy(() -> tracked.sequence.commit(0, new int[] {3}, 0, 1))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("beam 0 commits tokens into a tile that it shares");
    assertThat(tracked.sequence.length()).isEqualTo(2);
    append(tracked, new int[] {3}, new int[] {4});
  }

  @Test
  void aForkNeedsRowsAndOneBeam() {
    TrackedSequence tracked = track(cache, 1);
    KvSequence other = open(cache, 2);
    assertThat(tracked.sequence.fork(4)).isFalse();
    assertThat(tracked.sequence.beams()).isEqualTo(1);
    fork(tracked, 3);
    assertThat(cache.open(TestCaches.request(3))).as("no row is left").isNull();
    assertThatThrownBy(() -> tracked.sequence.fork(2))
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("a sequence of 3 beams is forked into 2");
    assertThatThrownBy(() -> other.fork(0)).isInstanceOf(TileKvException.class);
    tracked.sequence.close();
    assertThat(other.fork(4)).isTrue();
  }

  @Test
  void reorderPermutesRowsAndCopiesNothing() {
    TrackedSequence tracked = track(cache, 1, 2, 3);
    append(tracked, new int[] {1, 2, 3});
    fork(tracked, 3);
    append(tracked, new int[] {4, 5}, new int[] {6, 7}, new int[] {8, 9});
    long copied = cache.stats().copiedPages();
    int[] rows = {tracked.sequence.row(0), tracked.sequence.row(1), tracked.sequence.row(2)};
    reorder(tracked, 2, 0, 1);
    reorder(tracked, 1, 1, 2);
    assertThat(cache.stats().copiedPages()).isEqualTo(copied);
    assertThat(cache.stats().pinnedPages()).as("one of three beams is gone").isEqualTo(4 * HEADS);
    for (int beam = 0; beam < 3; beam++) {
      assertThat(tracked.sequence.row(beam)).isEqualTo(rows[beam]);
    }
    append(tracked, new int[] {1}, new int[] {2}, new int[] {3});
    assertThat(cache.stats().copiedPages()).isEqualTo(copied + HEADS);
  }

  @Test
  void aWrongReorderChangesNothing() {
    TrackedSequence tracked = track(cache, 1, 2, 3);
    append(tracked, new int[] {1, 2, 3});
    fork(tracked, 2);
    append(tracked, new int[] {4}, new int[] {5});
    assertThatThrownBy(() -> tracked.sequence.reorder(new int[] {0}))
        .isInstanceOf(TileKvException.class)
        .hasMessage("reorder names 1 parents; the sequence has 2 beams");
    assertThatThrownBy(() -> tracked.sequence.reorder(new int[] {1, 2}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("beam is 2");
    tracked.verify("after wrong reorders");
  }

  @Test
  void aClosedSequenceGivesItsPagesBackTailFirst() {
    KvSequence sequence = open(cache, 1);
    assertThat(sequence.reserve(12)).isTrue();
    int row = sequence.row(0);
    int first = cache.table().lookup(row, 0, 0);
    int last = cache.table().lookup(row, 0, 2);
    sequence.close();
    KvSequence next = open(cache, 1);
    assertThat(next.reserve(12)).isTrue();
    int[] firstPages = {cache.table().lookup(row, 0, 0), cache.table().lookup(row, 1, 0)};
    int[] lastPages = {cache.table().lookup(row, 0, 2), cache.table().lookup(row, 1, 2)};
    assertThat(next.row(0)).isEqualTo(row);
    assertThat(firstPages).as("freed last, used first").contains(first);
    assertThat(lastPages).contains(last);
  }

  @Test
  void aClosedSequenceRefusesEverything() {
    KvSequence sequence = open(cache, 1, 2);
    sequence.reserve(2);
    sequence.close();
    sequence.close();
    assertThat(cache.stats().openSequences()).isZero();
    requireClosed(() -> sequence.reserve(2));
    requireClosed(() -> sequence.commit(0, new int[] {1}, 0, 1));
    requireClosed(() -> sequence.fork(2));
    requireClosed(() -> sequence.reorder(new int[] {0}));
    requireClosed(() -> sequence.row(0));
    requireClosed(sequence::renewLease);
  }

  private static void requireClosed(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("the sequence of owner 0 is closed");
  }

  private static void fork(TrackedSequence tracked, int count) {
    assertThat(tracked.sequence.fork(count)).isTrue();
    tracked.forked(count);
    tracked.verify("forked");
  }

  private static void reorder(TrackedSequence tracked, int... parents) {
    tracked.sequence.reorder(parents);
    tracked.reordered(parents);
    tracked.verify("reordered");
  }
}
