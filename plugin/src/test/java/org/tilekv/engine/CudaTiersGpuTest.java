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
package org.tilekv.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.KvDtype;
import org.tilekv.cache.CacheTier;
import org.tilekv.cache.CacheTierOptions;
import org.tilekv.cache.TierStats;
import org.tilekv.cache.TileCache;
import org.tilekv.config.DiskAdmission;
import org.tilekv.engine.Records.Row;
import org.tilekv.tier.DiskTier;
import org.tilekv.tier.DiskTierOptions;
import org.tilekv.tier.HostTier;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.StackedTier;
import org.tilekv.tier.TierStorage;

/**
 * The records model with a pool that is too small: what leaves it goes to pinned memory and to disk
 * and comes back, beside the steps, and every answer stays right.
 */
@Tag("gpu")
class CudaTiersGpuTest {
  private static final long PAGE_BYTES = 64 << 10;
  private static final long SMALL_POOL = 600 * PAGE_BYTES;
  private static final long STAGING_BYTES = 16 << 20;
  private static final EngineConfig ENGINE = new EngineConfig(64, 4096, 2048, 60_000, true, true);

  @TempDir private Path directory;
  private final List<CacheTier> tiers = new ArrayList<>();

  private ModelRuntime open(Function<TileCache, LowerTier> below) {
    RuntimeOptions options =
        new RuntimeOptions(
            16, KvDtype.FLOAT32, SMALL_POOL, 2, 0, "auto", "auto", 60_000, null, ENGINE);
    PrefixSources sources =
        (cache, namespace) -> {
          CacheTier tier =
              CacheTier.open(
                  cache,
                  below.apply(cache),
                  new CacheTierOptions(STAGING_BYTES, 2, cache.hostAllocator()));
          tiers.add(tier);
          return List.of(tier);
        };
    return ModelRuntimes.open(
        Records.MODEL, options.on(new DeviceChoice("gpu", 0, SMALL_POOL, 0)).with(sources));
  }

  private static HostTier host(TileCache cache, long bytes) {
    return HostTier.create(
        cache.geometry(), cache.geometry().kvHeads(), bytes, cache.hostAllocator());
  }

  private DiskTier disk(TileCache cache) {
    DiskTierOptions options =
        DiskTierOptions.of(
                List.of(directory), 1L << 30, cache.namespace().bytes(), cache.geometry())
            .withAdmission(DiskAdmission.ALWAYS);
    return DiskTier.open(options, TierStorage.real(), System::currentTimeMillis);
  }

  @Test
  void tilesInPinnedMemory() throws IOException {
    check("host", cache -> host(cache, 1 << 30));
  }

  @Test
  void tilesOnDisk() throws IOException {
    check("disk", this::disk);
  }

  @Test
  void tilesInPinnedMemoryAndOnDisk() throws IOException {
    check("host and disk", cache -> new StackedTier(host(cache, 8 << 20), disk(cache)));
  }

  /** Rows in random order, so that headers come and go; twice, so that all come back. */
  private void check(String name, Function<TileCache, LowerTier> below) throws IOException {
    long seed = System.nanoTime();
    List<Row> rows = new ArrayList<>(Records.all());
    Collections.shuffle(rows, new Random(seed));
    try (ModelRuntime runtime = open(below)) {
      for (int pass = 0; pass < 2; pass++) {
        List<String> answers = Records.texts(runtime, rows, 1);
        for (int i = 0; i < rows.size(); i++) {
          assertThat(answers.get(i))
              .as("seed %d, pass %d, row %d", seed, pass, i)
              .isEqualTo(rows.get(i).expected());
        }
      }
      TierStats stats = tiers.get(0).stats();
      System.out.printf(
          "%s: 2 x %d rows exact, %d prompt tokens computed, %d tiles evicted; %s%n",
          name,
          rows.size(),
          runtime.engine().stats().promptTokensComputed(),
          runtime.cache().stats().evictedTiles(),
          stats);
      assertThat(stats.savedTiles()).isPositive();
      assertThat(stats.loadedTiles()).isPositive();
      assertThat(stats.failedLoads() + stats.failedSaves()).isZero();
    }
  }
}
