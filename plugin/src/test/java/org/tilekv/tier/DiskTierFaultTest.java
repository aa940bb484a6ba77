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

import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/**
 * One script over two directories, with every fault at every call that it makes to the storage:
 * first puts, overwrites, reads, a saved order, a restart, growth, a close.
 */
class DiskTierFaultTest {
  private static final Path A = Path.of("/a");
  private static final Path B = Path.of("/b");
  private static final int GROUPS = 14;
  private static final long CAP =
      2 * Groups.segmentBytes(2) + 2 * OrderFile.bytes(16) + SegmentLayout.BLOCK_BYTES;
  private static final DiskTierOptions OPTIONS = Groups.options(CAP, A, B);

  private final AtomicLong nowMs = new AtomicLong();

  @Test
  void everyFaultAtEveryCall() {
    long calls = run(0, StorageFault.FAIL);
    Map<StorageFault, Long> runs = new EnumMap<>(StorageFault.class);
    for (StorageFault fault : StorageFault.values()) {
      for (long call = 1; call <= calls; call++) {
        try {
          run(call, fault);
        } catch (AssertionError | RuntimeException e) {
          throw new AssertionError(fault + " at call " + call + ": " + e.getMessage(), e);
        }
        runs.merge(fault, 1L, Long::sum);
      }
    }
    System.out.println("disk tier: " + calls + " calls, runs with each fault " + runs);
    assertThat(calls).isGreaterThan(100);
  }

  private long run(long faultyCall, StorageFault fault) {
    MemoryStorage disk = new MemoryStorage(nowMs::get);
    FaultyStorage faulty = new FaultyStorage(disk, nowMs, faultyCall, fault);
    Set<Integer> hits = new TreeSet<>();
    use(faulty, hits);
    check(disk);
    use(faulty, hits);
    check(disk);
    if (faultyCall == 0) {
      assertThat(hits).hasSize(GROUPS);
    }
    try (DiskTier tier = open(disk)) {
      readAll(tier, hits);
      if (fault == StorageFault.KILLED) {
        assertThat(tier.stats().corruptGroups()).as("torn groups after a kill").isZero();
      }
      for (int i = 0; i < 8; i++) {
        assertThat(Groups.put(tier, i)).as("group %d after the fault", i).isTrue();
      }
      readAll(tier, hits);
      assertThat(tier.stats().residentGroups()).isEqualTo(8);
      tier.checkIntegrity();
    }
    check(disk);
    return faulty.calls();
  }

  private void use(TierStorage storage, Set<Integer> hits) {
    try (DiskTier tier = open(storage)) {
      for (int i = 0; i < GROUPS; i++) {
        Groups.put(tier, i);
        tier.remove(Groups.key(i - 5));
        if (Groups.get(tier, i - 2)) {
          hits.add(i - 2);
        }
        nowMs.addAndGet(DiskTier.ORDER_INTERVAL_MS / 4);
      }
      readAll(tier, hits);
      tier.checkIntegrity();
    }
  }

  private static void readAll(DiskTier tier, Set<Integer> hits) {
    for (int i = 0; i < GROUPS; i++) {
      if (Groups.get(tier, i)) {
        hits.add(i);
      }
    }
  }

  private DiskTier open(TierStorage storage) {
    return DiskTier.open(OPTIONS, Groups.segmentBytes(2), storage, nowMs::get);
  }

  private static void check(MemoryStorage disk) {
    assertThat(disk.openFiles()).as("open files").isZero();
    for (Path directory : OPTIONS.directories()) {
      assertThat(disk.bytesBelow(directory))
          .as("bytes below %s", directory)
          .isLessThanOrEqualTo(OPTIONS.capBytesPerDirectory());
    }
  }
}
