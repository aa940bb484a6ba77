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
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.cache.MapTier.Fault;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.Namespace;
import org.tilekv.tier.Reuse;
import org.tilekv.tier.SlabAllocator;

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
    SlabAllocator allocator =
        new SlabAllocator() {
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
    int[] tokens = {token, 2, 3, 4};
    ChainHash root = ChainHash.root(Namespace.builder().build(), null);
    NamedTile tile = new NamedTile(root.child(tokens, 0, 4), root, tokens);
    into.save(new EvictedTile(tile, new int[] {0, 1}, Reuse.UNKNOWN), arena);
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
}
