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
package org.tilekv.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.cache.CacheTier;
import org.tilekv.cache.PrefixSource;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.config.TileKvConfig;
import org.tilekv.engine.PrefixSources;
import org.tilekv.prefix.Namespace;

class LowerTiersTest {

  private static final Namespace NAMESPACE = Namespace.builder().field("model", "m").build();

  @TempDir private Path directory;

  private static PrefixSources tiers(Map<String, String> settings, Path... local) {
    return LowerTiers.of(TileKvConfig.parse(settings), () -> List.of(local));
  }

  private static TileCache cache() {
    TileGeometry geometry = new TileGeometry(1, 1, 16, 16, KvDtype.FLOAT32);
    return TileCache.create(
        new TileCacheOptions(geometry, 4, 2, 4, NAMESPACE, 60_000, true, System::nanoTime));
  }

  @Test
  void thereAreNoneUnlessTheyAreNamed() {
    assertThat(tiers(Map.of())).isSameAs(PrefixSources.NONE);
    assertThat(tiers(Map.of("spark.tilekv.disk.dirs", "auto"))).isSameAs(PrefixSources.NONE);
  }

  @Test
  void aPoolInRamGetsADiskTierAndNoHostTier() throws IOException {
    Map<String, String> settings =
        Map.of(
            "spark.tilekv.disk.dirs", "auto",
            "spark.tilekv.disk.bytes", "1m",
            "spark.tilekv.host.bytes", "1g");
    try (TileCache cache = cache()) {
      List<PrefixSource> sources = tiers(settings, directory).open(cache, NAMESPACE);
      assertThat(sources).hasSize(1);
      try (CacheTier tier = (CacheTier) sources.get(0)) {
        assertThat(tier.stats().below().directories()).isEqualTo(1);
        assertThat(tier.stats().below().capacityBytes()).isLessThanOrEqualTo(1 << 20);
        try (var files = Files.list(directory)) {
          assertThat(files).isNotEmpty();
        }
      }
    }
  }

  @Test
  void hostBytesAloneGiveAPoolInRamNothing() {
    try (TileCache cache = cache()) {
      PrefixSources host = tiers(Map.of("spark.tilekv.host.bytes", "1g"));
      assertThat(host).isNotSameAs(PrefixSources.NONE);
      assertThat(host.open(cache, NAMESPACE)).isEmpty();
    }
  }
}
