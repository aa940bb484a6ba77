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
import static org.tilekv.cache.TestCaches.open;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.tilekv.KvDtype;
import org.tilekv.KvSequence;
import org.tilekv.MissReason;
import org.tilekv.TileArena;
import org.tilekv.TileKvException;
import org.tilekv.prefix.NamedTile;

/**
 * What others do to a sequence and to the cache while a copy is under way, and copies that fail.
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TileCacheCopyTest {

  private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8};
  private static final int[] OTHER = {1, 2, 3, 4, 5, 6, 9, 9, 9};

  private final AtomicLong clockMs = new AtomicLong();
  private final TileCacheOptions options = TestCaches.options(KvDtype.INT8, 6, 3, clockMs);
  private final HeldMemory memory = new HeldMemory(options);
  private final TileCache cache = TileCache.create(options, memory);

  @Test
  void aClosingCacheWaitsForACopyOfReserve() {
    KvSequence sequence = forked();
    CompletableFuture<Boolean> reserving = held(() -> sequence.reserve(6));
    CompletableFuture<Void> closing = closeCache();
    assertThat(memory.closed).as("closed under a copy").isFalse();
    memory.goOn.countDown();
    closing.join();
    requireClosed(reserving);
    assertThat(memory.closed).isTrue();
    assertThat(cache.stats().freePages()).isEqualTo(options.pages());
  }

  @Test
  void aClosingCacheWaitsForACopyOfOpen() {
    compute(PROMPT);
    CompletableFuture<Boolean> opening = held(() -> open(cache, OTHER).length() > 0);
    CompletableFuture<Void> closing = closeCache();
    assertThat(memory.closed).as("closed under a copy").isFalse();
    memory.goOn.countDown();
    closing.join();
    requireClosed(opening);
    assertThat(cache.stats().freePages()).isEqualTo(options.pages());
    assertThat(cache.stats().openSequences()).isZero();
  }

  @Test
  void aSequenceClosedDuringItsCopyKeepsItsPagesUntilTheEnd() {
    KvSequence sequence = forked();
    CompletableFuture<Boolean> reserving = held(() -> sequence.reserve(6));
    int free = cache.stats().freePages();
    clockMs.addAndGet(TestCaches.TTL_MS + 1);
    assertThat(cache.expireLeases()).isEqualTo(1);
    assertThat(cache.releaseOwner(0)).as("closed already").isZero();
    assertThat(cache.stats().freePages()).isEqualTo(free);
    memory.goOn.countDown();
    requireClosed(reserving);
    assertThat(cache.stats().expiredLeases()).isEqualTo(1);
    requireAllFree();
  }

  @Test
  void aDonorIsNotEvictedWhileItIsCopiedFrom() {
    compute(PROMPT);
    CompletableFuture<Boolean> opening = held(() -> open(cache, OTHER).cachedTokens() == 6);
    assertThat(cache.clear()).as("all is in use").isZero();
    memory.goOn.countDown();
    assertThat(opening.join()).isTrue();
    cache.releaseOwner(0);
    assertThat(cache.clear()).isPositive();
    requireAllFree();
  }

  @Test
  void aTilePublishedWhileAnotherOpensIsNotOneOfAnotherNamespace() {
    compute(PROMPT);
    CompletableFuture<Boolean> opening = held(() -> open(cache, OTHER).cachedTokens() == 6);
    memory.hold = false;
    compute(OTHER);
    memory.goOn.countDown();
    assertThat(opening.join()).isTrue();
    assertThat(cache.stats().missedTiles())
        .doesNotContainKey(MissReason.OTHER_NAMESPACE)
        .containsEntry(MissReason.NEVER_SEEN, 3L);
  }

  @Test
  void aFailedCopyOfReserveClosesTheSequenceAndLosesNothing() {
    KvSequence sequence = forked();
    memory.failure = new IllegalStateException("the device is gone");
    int pinned = cache.stats().pinnedPages();
    List<Integer> pinnedThen = new ArrayList<>();
    memory.onLettingGo = () -> pinnedThen.add(cache.stats().pinnedPages());
    assertThatThrownBy(() -> sequence.reserve(6)).isSameAs(memory.failure);
    assertThat(pinnedThen).as("before its pages are given back").hasSize(1);
    assertThat(pinnedThen.get(0)).isGreaterThanOrEqualTo(pinned);
    assertThatThrownBy(() -> sequence.reserve(6)).hasMessageContaining("is closed");
    sequence.close();
    requireAllFree();
  }

  @Test
  void aFailedCopyOfOpenLosesNothing() {
    compute(PROMPT);
    memory.failure = new IllegalStateException("the device is gone");
    assertThatThrownBy(() -> open(cache, OTHER)).isSameAs(memory.failure);
    assertThat(cache.stats().openSequences()).isZero();
    assertThat(cache.stats().sequencesOpened()).as("opened in vain").isEqualTo(1);
    cache.clear();
    requireAllFree();
    memory.failure = null;
    for (int row = 0; row < options.rows(); row++) {
      assertThat(cache.open(TestCaches.request(1))).as("row %d", row).isNotNull();
    }
    cache.close();
  }

  @Test
  void pagesThatAStepMayUseAreGivenBackOnceTheMemoryKnows() {
    KvSequence second = duplicate();
    List<Integer> freeThen = new ArrayList<>();
    memory.onLettingGo = () -> freeThen.add(cache.stats().freePages());
    int free = cache.stats().freePages();
    second.commit(0, PROMPT, 0, 4);
    assertThat(freeThen).containsExactly(free);
    assertThat(cache.stats().freePages()).isEqualTo(free + TestCaches.HEADS);
    second.commit(0, PROMPT, 4, 2);
    assertThat(freeThen).as("nothing is given back").hasSize(1);
    cache.releaseOwner(0);
    requireAllFree();
  }

  @Test
  void pagesWhoseUseCannotBeOrderedAreNeverUsedAgain() {
    KvSequence second = duplicate();
    RuntimeException failing = new IllegalStateException("the device is gone");
    memory.onLettingGo =
        () -> {
          throw failing;
        };
    assertThatThrownBy(() -> second.commit(0, PROMPT, 0, 4)).isSameAs(failing);
    cache.releaseOwner(0);
    cache.clear();
    assertThat(cache.stats().freePages()).isEqualTo(options.pages() - TestCaches.HEADS);
    cache.close();
    assertThat(memory.closed).isTrue();
  }

  /** A sequence whose first tile, when it commits it, is there already. */
  private KvSequence duplicate() {
    KvSequence first = open(cache, PROMPT);
    KvSequence second = open(cache, PROMPT);
    assertThat(first.reserve(8) && second.reserve(8)).isTrue();
    first.commit(0, PROMPT, 0, 4);
    return second;
  }

  private KvSequence forked() {
    KvSequence sequence = open(cache, PROMPT);
    assertThat(sequence.reserve(5)).isTrue();
    sequence.commit(0, PROMPT, 0, 5);
    assertThat(sequence.fork(2)).isTrue();
    return sequence;
  }

  private void compute(int... prompt) {
    try (KvSequence sequence = open(cache, prompt)) {
      int from = sequence.cachedTokens();
      assertThat(sequence.reserve(prompt.length)).isTrue();
      sequence.commit(0, prompt, from, prompt.length - from);
    }
  }

  /** Starts something that copies, and returns once the copy has begun. */
  private CompletableFuture<Boolean> held(BooleanSupplier work) {
    memory.hold = true;
    CompletableFuture<Boolean> running = CompletableFuture.supplyAsync(work::getAsBoolean);
    HeldMemory.await(memory.copying);
    return running;
  }

  /** Starts to close the cache, and returns once the closer waits or is done. */
  private CompletableFuture<Void> closeCache() {
    CompletableFuture<Void> closing = new CompletableFuture<>();
    Thread closer =
        new Thread(
            () -> {
              cache.close();
              closing.complete(null);
            });
    closer.start();
    while (closer.getState() != Thread.State.WAITING
        && closer.getState() != Thread.State.TERMINATED) {
      Thread.onSpinWait();
    }
    return closing.orTimeout(30, TimeUnit.SECONDS);
  }

  private static void requireClosed(CompletableFuture<Boolean> work) {
    assertThatThrownBy(work::join)
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(TileKvException.class)
        .hasMessageContaining("is closed");
  }

  private void requireAllFree() {
    cache.checkIntegrity();
    assertThat(cache.stats().openSequences()).isZero();
    assertThat(cache.stats().tableReferences()).isZero();
    assertThat(cache.stats().pinnedPages()).isZero();
    assertThat(cache.availablePages()).isEqualTo(options.pages());
    cache.clear();
    assertThat(cache.stats().freePages()).isEqualTo(options.pages());
  }

  /** Memory whose tiles the host cannot read. */
  private static final class Sealed extends ArenaMemory {
    Sealed(TileCacheOptions options) {
      super(TileArena.allocate(options.geometry(), options.pages()));
    }

    @Override
    public boolean copiesToHost() {
      return false;
    }
  }

  @Test
  void tilesThatCannotBeCopiedAreNotGivenNorTakenByName() {
    try (TileCache sealed = TileCache.create(options, new Sealed(options))) {
      KvSequence row = open(sealed, PROMPT);
      row.reserve(PROMPT.length);
      row.commit(0, PROMPT, 0, PROMPT.length);
      row.close();
      NamedTile tile = sealed.residentTiles().get(0);
      ByteBuffer bytes = ByteBuffer.allocate(sealed.groupBytes());
      assertThat(sealed.read(tile.name(), bytes)).isNull();
      assertThat(bytes.position()).isZero();
      assertThat(sealed.install(tile, bytes, true)).isFalse();
    }
  }
}
