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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random calls, restarts, kills and damage against a model: a set in order of use. Without a fault
 * the tier holds exactly what the model holds; with one, never more, and never other bytes.
 */
class DiskTierModelTest {
  private static final int KEYS = 40;
  private static final int STEPS = 400;

  private final AtomicLong nowMs = new AtomicLong();

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void withoutFaultsItIsTheModel(long seed) {
    Random random = new Random(seed);
    MemoryStorage disk = new MemoryStorage(nowMs::get);
    int directories = 1 + random.nextInt(3);
    DiskTierOptions options = options(directories, 1 + random.nextInt(3));
    Set<Integer> model = new LinkedHashSet<>();
    DiskTier tier = open(options, disk);
    for (int step = 0; step < STEPS; step++) {
      int i = random.nextInt(KEYS);
      switch (random.nextInt(12)) {
        case 0 -> assertThat(tier.remove(Groups.key(i))).isEqualTo(model.remove(i));
        case 1 -> {
          if (random.nextInt(8) == 0) {
            tier.close();
            assertThat(disk.openFiles()).isZero();
            tier = open(options, disk);
          }
        }
        case 2, 3, 4 -> {
          assertThat(Groups.put(tier, i)).isTrue();
          model.remove(i);
          model.add(i);
        }
        case 5 -> {
          long evictions = tier.stats().evictions();
          boolean there = model.contains(i);
          boolean filled = tier.fill(Groups.meta(i), Groups.bytes(i));
          assertThat(tier.stats().evictions()).as("seed %d", seed).isEqualTo(evictions);
          assertThat(filled || !there).as("seed %d", seed).isTrue();
          if (filled && !there) {
            model.add(i);
          }
        }
        default -> {
          boolean hit = Groups.get(tier, i);
          assertThat(hit).as("seed %d step %d group %d", seed, step, i).isEqualTo(model.remove(i));
          if (hit) {
            model.add(i);
          }
        }
      }
      while (model.size() > tier.stats().residentGroups()) {
        assertThat(tier.contains(Groups.key(first(model)))).as("seed %d", seed).isFalse();
        model.remove(first(model));
      }
      nowMs.addAndGet(random.nextInt(3000));
      check(options, disk, tier, seed);
      Groups.checkKeys(tier, KEYS, "seed " + seed);
    }
    tier.close();
    assertThat(tier.keys()).isEmpty();
    assertThat(tier.fill(Groups.meta(0), Groups.bytes(0))).isFalse();
    assertThat(Groups.peek(tier, 0)).isFalse();
    assertThat(tier.describe(Groups.key(first(model)))).isNull();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void withFaultsItNeverLies(long seed) throws Exception {
    Random random = new Random(seed);
    MemoryStorage disk = new MemoryStorage(nowMs::get);
    DiskTierOptions options = options(1 + random.nextInt(3), 1 + random.nextInt(3));
    DiskTier tier = open(options, faulty(disk, random));
    for (int step = 0; step < STEPS; step++) {
      int i = random.nextInt(KEYS);
      switch (random.nextInt(20)) {
        case 0 -> tier.remove(Groups.key(i));
        case 1 -> {
          tier.close();
          assertThat(disk.openFiles()).as("seed %d", seed).isZero();
          damage(disk, random);
          tier = open(options, faulty(disk, random));
        }
        case 2 -> assertThat(tier.describe(Groups.key(i))).isIn(null, Groups.meta(i));
        case 3, 4, 5, 6, 7, 8, 9 -> Groups.put(tier, i);
        default -> Groups.get(tier, i);
      }
      nowMs.addAndGet(random.nextInt(3000));
      check(options, disk, tier, seed);
    }
    tier.close();
    assertThat(disk.openFiles()).as("seed %d", seed).isZero();
  }

  private FaultyStorage faulty(MemoryStorage disk, Random random) {
    StorageFault[] faults = StorageFault.values();
    return new FaultyStorage(
        disk, nowMs, 1 + random.nextInt(200), faults[random.nextInt(faults.length)]);
  }

  private static void damage(MemoryStorage disk, Random random) throws Exception {
    List<Path> files = new ArrayList<>(disk.all());
    if (files.isEmpty() || random.nextBoolean()) {
      return;
    }
    Path file = files.get(random.nextInt(files.size()));
    byte[] bytes = disk.bytes(file).clone();
    if (bytes.length > 0) {
      bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      int length = random.nextInt(4) == 0 ? random.nextInt(bytes.length) : bytes.length;
      disk.replace(file, Arrays.copyOf(bytes, length));
    }
  }

  private static void check(DiskTierOptions options, MemoryStorage disk, DiskTier tier, long seed) {
    tier.checkIntegrity();
    for (Path directory : options.directories()) {
      assertThat(disk.bytesBelow(directory))
          .as("seed %d", seed)
          .isLessThanOrEqualTo(options.capBytesPerDirectory());
    }
  }

  private static Integer first(Set<Integer> model) {
    return model.iterator().next();
  }

  private static DiskTierOptions options(int directories, int segments) {
    List<Path> paths = new ArrayList<>();
    for (int i = 0; i < directories; i++) {
      paths.add(Path.of("/disk" + i));
    }
    return Groups.options(Groups.cap(4 * segments), paths.toArray(Path[]::new));
  }

  private DiskTier open(DiskTierOptions options, TierStorage storage) {
    return DiskTier.open(options, Groups.segmentBytes(4), storage, nowMs::get);
  }
}
