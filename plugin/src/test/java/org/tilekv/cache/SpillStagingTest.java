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

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileMemory;
import org.tilekv.cache.MapTier.Fault;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.Namespace;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.Reuse;

/** Tiles on their way, where memory is short and writes go wrong. */
class SpillStagingTest {

  private final TileArena arena =
      TileArena.allocate(TestCaches.geometry(KvDtype.BFLOAT16), TestCaches.HEADS);
  private final int groupBytes = TestCaches.HEADS * arena.geometry().tileBytes();
  private final MapTier below = new MapTier(groupBytes);
  private final ManualExecutor writes = new ManualExecutor();
  private final TierCounters counters = new TierCounters();
  private @Nullable Throwable refusal;
  private @Nullable SpillStaging staging;

  private SpillStaging staging(int slots) {
    HostAllocator allocator =
        new HostAllocator() {
          @Override
          public ByteBuffer allocate(int bytes) {
            assertThat(Thread.holdsLock(Objects.requireNonNull(staging))).isFalse();
            if (refusal instanceof OutOfMemoryError error) {
              throw error;
            }
            if (refusal instanceof RuntimeException exception) {
              throw exception;
            }
            return ByteBuffer.allocate(bytes);
          }

          @Override
          public void free(ByteBuffer slab) {}
        };
    SpillStaging made =
        new SpillStaging(below, (long) slots * groupBytes, allocator, writes, counters);
    staging = made;
    return made;
  }

  private void save(SpillStaging into, int token) {
    save(into, token, arena);
  }

  private static GroupKey save(SpillStaging into, int token, TileMemory memory) {
    int[] tokens = {token, 2, 3, 4};
    ChainHash root = ChainHash.root(Namespace.builder().build(), null);
    NamedTile tile = new NamedTile(root.child(tokens, 0, 4), root, tokens);
    into.save(new EvictedTile(tile, new int[] {0, 1}, Reuse.UNKNOWN), memory);
    return SpillStaging.metaOf(tile).key();
  }

  @Test
  void memoryIsAllocatedOutsideTheLockAndCountedOnce() {
    SpillStaging two = staging(2);
    for (int token = 0; token < 3; token++) {
      save(two, token);
    }
    assertThat(two.allocatedSlots()).isEqualTo(2);
    assertThat(counters.droppedUnsaved.sum()).isEqualTo(1);
    writes.runAll();
    two.checkIntegrity();
    assertThat(below.groups).hasSize(2);
    two.close();
    assertThat(two.allocatedSlots()).isZero();
  }

  @Test
  void whatCannotBeAllocatedIsDroppedAndTriedAgain() {
    SpillStaging one = staging(1);
    refusal = new OutOfMemoryError("none");
    save(one, 0);
    assertThat(one.allocatedSlots()).isZero();
    assertThat(counters.droppedUnsaved.sum()).isEqualTo(1);
    refusal = new IllegalStateException("the device is gone");
    assertThatThrownBy(() -> save(one, 0)).isSameAs(refusal);
    assertThat(one.allocatedSlots()).isZero();
    refusal = null;
    save(one, 0);
    writes.runAll();
    assertThat(below.groups).hasSize(1);
    one.checkIntegrity();
  }

  @Test
  void writingGoesOnAfterAnError() {
    SpillStaging two = staging(2);
    below.fault = Fault.NO_MEMORY_ON_PUT;
    save(two, 0);
    save(two, 1);
    writes.runAll();
    assertThat(counters.refusedSaves.sum()).isEqualTo(2);
    below.fault = Fault.NONE;
    save(two, 2);
    writes.runAll();
    assertThat(below.groups).hasSize(1);
    two.checkIntegrity();
  }

  @Test
  void writingGoesOnInAnotherThreadAfterAnErrorThatEndsOne() {
    SpillStaging three = staging(3);
    below.failure = new LinkageError("broken");
    save(three, 0);
    save(three, 1);
    assertThatThrownBy(writes::runAll).isSameAs(below.failure);
    below.failure = null;
    save(three, 2);
    writes.runAll();
    assertThat(below.groups).hasSize(2);
    three.checkIntegrity();
  }

  /** Memory whose copies to the host end when the test says so. */
  private static final class LateCopies extends ArenaMemory {
    private final List<Runnable> underWay = new ArrayList<>();
    private boolean fails;

    LateCopies(TileArena arena) {
      super(arena);
    }

    @Override
    public Copy beginCopyOut(int[] pages, ByteBuffer dst) {
      int[] of = pages.clone();
      ByteBuffer to = dst.duplicate();
      Runnable copy = () -> copyOut(of, to);
      underWay.add(copy);
      return () -> {
        if (fails) {
          throw new IllegalStateException("the copy failed");
        }
        copy.run();
        underWay.remove(copy);
      };
    }
  }

  private final LateCopies late = new LateCopies(arena);

  private GroupKey saveLate(SpillStaging into, int token) {
    return save(into, token, late);
  }

  private void assertWritten(GroupKey key, ByteBuffer expected) {
    writes.runAll();
    ByteBuffer written = ByteBuffer.allocate(groupBytes);
    assertThat(below.get(key, written)).isNotNull();
    assertThat(written).isEqualTo(expected);
  }

  private ByteBuffer filled() {
    for (int page = 0; page < TestCaches.HEADS; page++) {
      short[] values = arena.shorts(page);
      for (int i = 0; i < arena.geometry().tileElements(); i++) {
        values[arena.base(page) + i] = (short) (31 * page + i);
      }
    }
    ByteBuffer bytes = ByteBuffer.allocate(groupBytes);
    arena.copyOut(new int[] {0, 1}, bytes);
    return bytes.flip();
  }

  @Test
  void whoReadsATileWaitsForItsCopy() {
    ByteBuffer expected = filled();
    SpillStaging one = staging(1);
    GroupKey key = saveLate(one, 0);
    assertThat(late.underWay).as("who needed the room does not wait").hasSize(1);
    ByteBuffer read = ByteBuffer.allocate(groupBytes);
    assertThat(one.get(key, read)).isNotNull();
    assertThat(late.underWay).isEmpty();
    assertThat(read).isEqualTo(expected);
    assertWritten(key, expected);
    one.checkIntegrity();
  }

  @Test
  void aTileIsWrittenWhenItsCopyHasEnded() {
    ByteBuffer expected = filled();
    SpillStaging one = staging(1);
    GroupKey key = saveLate(one, 0);
    assertWritten(key, expected);
    one.checkIntegrity();
  }

  @Test
  void aTileWhoseCopyFailsIsNeitherReadNorWritten() {
    SpillStaging one = staging(1);
    GroupKey key = saveLate(one, 0);
    late.fails = true;
    ByteBuffer read = ByteBuffer.allocate(groupBytes);
    assertThatThrownBy(() -> one.get(key, read)).hasMessage("the copy failed");
    assertThat(one.get(key, read)).isNull();
    writes.runAll();
    assertThat(below.groups).isEmpty();
    assertThat(counters.refusedSaves.sum()).isEqualTo(1);
    one.checkIntegrity();
    late.fails = false;
    saveLate(one, 1);
    writes.runAll();
    assertThat(below.groups).hasSize(1);
  }

  @Test
  void closingWaitsForCopiesUnderWay() {
    SpillStaging two = staging(2);
    saveLate(two, 0);
    saveLate(two, 1);
    two.close();
    assertThat(late.underWay).isEmpty();
    assertThat(two.allocatedSlots()).isZero();
    saveLate(two, 2);
    assertThat(late.underWay).as("nothing is copied any more").isEmpty();
  }

  @Test
  void whatTheTierWouldNotTakeIsNotCopied() {
    SpillStaging one = staging(1);
    below.admits = false;
    saveLate(one, 0);
    assertThat(late.underWay).isEmpty();
    assertThat(counters.refusedSaves.sum()).isEqualTo(1);
    assertThat(one.allocatedSlots()).isZero();
  }
}
