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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.config.DiskAdmission;

class DiskTierTest {
  private static final Path A = Path.of("/a");
  private static final Path B = Path.of("/b");
  private static final long HOUR_MS = 3_600_000;

  private final AtomicLong nowMs = new AtomicLong(HOUR_MS);
  private final MemoryStorage storage = new MemoryStorage(nowMs::get);

  @TempDir Path directory;

  private DiskTier open(DiskTierOptions options) {
    return open(options, storage);
  }

  private DiskTier open(DiskTierOptions options, TierStorage on) {
    return DiskTier.open(options, Groups.segmentBytes(4), on, nowMs::get);
  }

  @AfterEach
  void allIsClosed() {
    assertThat(storage.openFiles()).isZero();
  }

  @Test
  void groupsComeBack() {
    try (DiskTier tier = open(Groups.options(Groups.cap(8), A))) {
      assertThat(Groups.get(tier, 1)).isFalse();
      assertThat(Groups.put(tier, 1)).isTrue();
      assertThat(tier.contains(Groups.key(1))).isTrue();
      assertThat(Groups.get(tier, 1)).isTrue();
      assertThat(Groups.get(tier, 2)).isFalse();
      tier.checkIntegrity();
      LowerTierStats stats = tier.stats();
      assertThat(stats.hits()).isOne();
      assertThat(stats.misses()).isEqualTo(2);
      assertThat(stats.bytesWritten()).isEqualTo(Groups.BYTES);
    }
  }

  @Test
  void theLeastRecentlyUsedGoesFirst() {
    try (DiskTier tier = open(Groups.options(Groups.cap(8), A))) {
      IntStream.range(0, 8).forEach(i -> assertThat(Groups.put(tier, i)).isTrue());
      Groups.get(tier, 0);
      Groups.put(tier, 1);
      Groups.put(tier, 8);
      assertThat(there(tier, 9)).containsExactly(0, 1, 3, 4, 5, 6, 7, 8);
      assertThat(tier.stats().evictions()).isOne();
      assertThat(storage.bytesBelow(A)).isLessThanOrEqualTo(Groups.cap(8));
      tier.checkIntegrity();
    }
  }

  @Test
  void directoriesShareTheLoadAndTheOrder() {
    try (DiskTier tier = open(Groups.options(Groups.cap(8), A, B))) {
      IntStream.range(0, 20).forEach(i -> Groups.put(tier, i));
      assertThat(there(tier, 20)).hasSize(16).doesNotContain(0, 1, 2, 3);
      assertThat(storage.bytesBelow(A)).isEqualTo(storage.bytesBelow(B));
      assertThat(tier.stats().directories()).isEqualTo(2);
      tier.checkIntegrity();
    }
  }

  @Test
  void aRestartKeepsGroupsAndOrder() {
    DiskTierOptions options = Groups.options(Groups.cap(8), A, B);
    try (DiskTier tier = open(options)) {
      IntStream.range(0, 16).forEach(i -> Groups.put(tier, i));
      IntStream.of(2, 5, 0).forEach(i -> Groups.get(tier, i));
      tier.remove(Groups.key(9));
    }
    try (DiskTier tier = open(options)) {
      assertThat(there(tier, 16)).hasSize(15).doesNotContain(9);
      IntStream.range(20, 33).forEach(i -> Groups.put(tier, i));
      assertThat(there(tier, 20)).containsExactly(0, 2, 5);
      IntStream.of(0, 2, 5, 25).forEach(i -> assertThat(Groups.get(tier, i)).isTrue());
      tier.checkIntegrity();
    }
  }

  @Test
  void aSmallerCapDropsTheSegmentsUsedLongestAgo() {
    try (DiskTier tier = open(Groups.options(Groups.cap(16), A))) {
      IntStream.range(0, 16).forEach(i -> Groups.put(tier, i));
      IntStream.range(4, 8).forEach(i -> Groups.get(tier, i));
    }
    try (DiskTier tier = open(Groups.options(Groups.cap(8), A))) {
      assertThat(there(tier, 16)).containsExactly(4, 5, 6, 7, 12, 13, 14, 15);
      assertThat(storage.bytesBelow(A)).isLessThanOrEqualTo(Groups.cap(8));
      tier.checkIntegrity();
    }
  }

  @Test
  void otherNamespacesAreSweptWhenIdle() {
    DiskTierOptions mine = Groups.options(Groups.cap(4), A).withSweepIdleMs(HOUR_MS);
    DiskTierOptions other =
        DiskTierOptions.of(List.of(A), Groups.cap(4), new byte[32], Groups.GEOMETRY)
            .withAdmission(DiskAdmission.ALWAYS);
    try (DiskTier tier = open(other)) {
      Groups.put(tier, 1);
      open(Groups.options(Groups.cap(4), A)).close();
      assertThat(Groups.get(tier, 1)).as("in use").isTrue();
    }
    open(mine).close();
    try (DiskTier tier = open(other)) {
      assertThat(Groups.get(tier, 1)).as("used a short while ago").isTrue();
    }
    nowMs.addAndGet(HOUR_MS);
    try (DiskTier tier = open(mine)) {
      assertThat(tier.stats().refusedFiles()).isEqualTo(2);
    }
    try (DiskTier tier = open(other)) {
      assertThat(Groups.get(tier, 1)).isFalse();
    }
  }

  @Test
  void aSubdirectoryThatIsBeingMadeIsNotSwept() throws IOException {
    DiskTierOptions options = Groups.options(Groups.cap(4), A).withSweepIdleMs(HOUR_MS);
    Path begun = DiskNames.subdirectory(A, new byte[32], 0);
    storage.createDirectories(begun);
    open(options).close();
    assertThat(storage.list(A)).as("it is new").contains(begun);
    nowMs.addAndGet(HOUR_MS);
    open(options).close();
    assertThat(storage.list(A)).as("it is old").doesNotContain(begun);
  }

  @Test
  void twoTiersDoNotShareADirectory() {
    DiskTierOptions options = Groups.options(Groups.cap(4), A);
    try (DiskTier first = open(options);
        DiskTier second = open(options)) {
      Groups.put(first, 1);
      assertThat(second.contains(Groups.key(1))).isFalse();
      Groups.put(second, 2);
      assertThat(Groups.get(second, 2)).isTrue();
    }
    try (DiskTier tier = open(options)) {
      assertThat(there(tier, 3)).containsExactly(1);
    }
  }

  @Test
  void filesOfOthersAreDeletedAndCounted() throws IOException {
    DiskTierOptions options = Groups.options(Groups.cap(12), A);
    try (DiskTier tier = open(options)) {
      IntStream.range(0, 12).forEach(i -> Groups.put(tier, i));
    }
    Path home = Objects.requireNonNull(storage.all().get(0).getParent());
    edit(DiskNames.segment(home, 0), 8, 1);
    byte[] second = storage.bytes(DiskNames.segment(home, 1));
    storage.replace(DiskNames.segment(home, 1), Arrays.copyOf(second, 9000));
    edit(home.resolve(DiskNames.ORDER), 100, 77);
    storage.replace(home.resolve("notes.txt"), new byte[3]);
    try (DiskTier tier = open(options)) {
      assertThat(tier.stats().refusedFiles()).isEqualTo(4);
      assertThat(there(tier, 12)).containsExactly(8, 9, 10, 11);
      assertThat(storage.all()).doesNotContain(home.resolve("notes.txt"));
      IntStream.range(0, 8).forEach(i -> assertThat(Groups.put(tier, i)).isTrue());
      assertThat(there(tier, 12)).hasSize(12);
      tier.checkIntegrity();
    }
  }

  private void edit(Path file, int at, int value) throws IOException {
    byte[] bytes = storage.bytes(file);
    bytes[at] = (byte) value;
    storage.replace(file, bytes);
  }

  @Test
  void damagedBytesAreFoundAtTheRead() throws IOException {
    try (DiskTier tier = open(Groups.options(Groups.cap(4), A))) {
      IntStream.range(0, 3).forEach(i -> Groups.put(tier, i));
      Path segment =
          storage.all().stream().filter(p -> p.toString().contains("seg")).toList().get(0);
      int data = (int) new SegmentLayout(Groups.BYTES, 2, 4).dataAt(1);
      edit(segment, data + 17, storage.bytes(segment)[data + 17] ^ 4);
      assertThat(Groups.get(tier, 1)).isFalse();
      assertThat(tier.contains(Groups.key(1))).isFalse();
      assertThat(tier.stats().corruptGroups()).isOne();
      assertThat(Groups.put(tier, 1)).isTrue();
      assertThat(Groups.get(tier, 1)).isTrue();
    }
  }

  @Test
  void aFullDiskKeepsWhatIsThere() {
    try (DiskTier tier = open(Groups.options(Groups.cap(8), A))) {
      Groups.put(tier, 0);
      storage.freeBytes = 100;
      IntStream.range(1, 6).forEach(i -> assertThat(Groups.put(tier, i)).isTrue());
      assertThat(there(tier, 6)).containsExactly(2, 3, 4, 5);
      storage.freeBytes = 1 << 30;
      nowMs.addAndGet(DiskTier.GROW_AGAIN_MS);
      Groups.put(tier, 6);
      assertThat(there(tier, 7)).containsExactly(2, 3, 4, 5, 6);
      assertThat(tier.stats().droppedDirectories()).isZero();
    }
  }

  @Test
  void aDiskThatFillsUpUnderASegmentKeepsWhatIsThere() {
    DiskTierOptions options = Groups.options(Groups.cap(8), A);
    FaultyStorage full = new FaultyStorage(storage, nowMs, 0, StorageFault.FULL);
    try (DiskTier tier = open(options, full)) {
      Groups.put(tier, 0);
      Groups.put(tier, 1);
      full.beginFault();
      for (int i = 2; i < 10; i++) {
        assertThat(Groups.put(tier, i)).isFalse();
        nowMs.addAndGet(DiskTier.ORDER_INTERVAL_MS);
      }
      assertThat(Groups.get(tier, 0)).isTrue();
      assertThat(Groups.get(tier, 1)).isTrue();
      assertThat(tier.stats().failedPuts()).isEqualTo(8);
      assertThat(tier.stats().droppedDirectories()).isZero();
      full.endFault();
      assertThat(Groups.put(tier, 2)).isTrue();
      assertThat(Groups.get(tier, 2)).isTrue();
      tier.checkIntegrity();
    }
  }

  @Test
  void withoutADirectoryTheTierIsOff() {
    try (DiskTier tier = open(Groups.options(0, A))) {
      assertThat(Groups.put(tier, 1)).isFalse();
      assertThat(Groups.get(tier, 1)).isFalse();
    }
    try (DiskTier tier = open(Groups.options(1 << 20))) {
      assertThat(Groups.put(tier, 1)).isFalse();
      assertThat(tier.stats().capacityBytes()).isZero();
    }
  }

  @Test
  void afterCloseEverythingIsAMiss() {
    DiskTier tier = open(Groups.options(Groups.cap(4), A));
    Groups.put(tier, 1);
    tier.close();
    tier.close();
    assertThat(Groups.put(tier, 2)).isFalse();
    assertThat(Groups.get(tier, 1)).isFalse();
    assertThat(tier.contains(Groups.key(1))).isFalse();
    assertThat(tier.remove(Groups.key(1))).isFalse();
  }

  @Test
  void wrongLengthsAreRefusedByName() {
    try (DiskTier tier = open(Groups.options(Groups.cap(4), A))) {
      assertThatThrownBy(() -> tier.put(Groups.meta(1), ByteBuffer.allocate(3)))
          .hasMessageContaining("the buffer has 3 bytes; a group has " + Groups.BYTES);
      GroupMeta three = new GroupMeta(new byte[32], new byte[32], new int[3]);
      assertThatThrownBy(() -> tier.put(three, Groups.bytes(1)))
          .hasMessageContaining("has 3 tokens; it must have 2");
    }
  }

  @Test
  void realFilesArePrivateAndSurvive() throws IOException {
    DiskTierOptions options = Groups.options(1 << 20, directory.resolve("x/y"));
    try (DiskTier tier = DiskTier.open(options, TierStorage.real(), System::currentTimeMillis)) {
      IntStream.range(0, 9).forEach(i -> assertThat(Groups.put(tier, i)).isTrue());
    }
    try (Stream<Path> all = Files.walk(directory.resolve("x"))) {
      for (Path path : all.toList()) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
            .as(path.toString())
            .isEqualTo(Files.isDirectory(path) ? "rwx------" : "rw-------");
      }
    }
    try (DiskTier tier = DiskTier.open(options, TierStorage.real(), System::currentTimeMillis)) {
      IntStream.range(0, 9).forEach(i -> assertThat(Groups.get(tier, i)).isTrue());
    }
  }

  @Test
  void anInterruptedThreadDoesNoHarm() {
    DiskTierOptions options = Groups.options(1 << 20, directory);
    try (DiskTier tier = DiskTier.open(options, TierStorage.real(), System::currentTimeMillis)) {
      Thread.currentThread().interrupt();
      assertThat(Groups.put(tier, 1)).isTrue();
      assertThat(Groups.get(tier, 1)).isTrue();
      assertThat(Thread.interrupted()).isTrue();
      assertThat(Groups.get(tier, 1)).isTrue();
      assertThat(tier.stats().ioErrors()).isZero();
    }
  }

  private static List<Integer> there(DiskTier tier, int groups) {
    return IntStream.range(0, groups).filter(i -> tier.contains(Groups.key(i))).boxed().toList();
  }
}
