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
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several threads on real files at capacity, where eviction meets readers all the time. */
class DiskTierThreadsTest {
  private static final int THREADS = 4;
  private static final int CALLS = 4000;
  private static final int KEYS = 30;

  @TempDir Path directory;

  @Test
  void readersGetTheirGroupOrAMiss() throws Exception {
    DiskTierOptions options =
        Groups.options(Groups.cap(8), directory.resolve("a"), directory.resolve("b"));
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    try (DiskTier tier =
        DiskTier.open(options, Groups.segmentBytes(4), TierStorage.real(), () -> 0)) {
      List<Future<?>> done = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        Random random = new Random(thread);
        done.add(threads.submit(() -> work(tier, random)));
      }
      for (Future<?> each : done) {
        each.get();
      }
      tier.checkIntegrity();
      LowerTierStats stats = tier.stats();
      assertThat(stats.corruptGroups()).isZero();
      assertThat(stats.ioErrors()).isZero();
      assertThat(stats.residentGroups()).isBetween(1L, 16L);
      assertThat(stats.hits()).isPositive();
    } finally {
      threads.shutdown();
    }
    try (DiskTier tier =
        DiskTier.open(options, Groups.segmentBytes(4), TierStorage.real(), () -> 0)) {
      assertThat(tier.stats().refusedFiles()).isZero();
      for (int i = 0; i < KEYS; i++) {
        assertThat(Groups.get(tier, i)).isEqualTo(tier.contains(Groups.key(i)));
      }
      assertThat(tier.stats().corruptGroups()).isZero();
    }
  }

  private static void work(DiskTier tier, Random random) {
    for (int call = 0; call < CALLS; call++) {
      int i = random.nextInt(KEYS);
      switch (random.nextInt(16)) {
        case 0 -> tier.remove(Groups.key(i));
        case 1, 2, 3, 4, 5 -> Groups.put(tier, i);
        default -> Groups.get(tier, i);
      }
    }
  }
}
