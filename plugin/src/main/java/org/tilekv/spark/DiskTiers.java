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

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.spark.SparkEnv;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.cache.CacheTier;
import org.tilekv.cache.CacheTierOptions;
import org.tilekv.cache.PrefixSource;
import org.tilekv.cache.TileCache;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;
import org.tilekv.engine.PrefixSources;
import org.tilekv.prefix.Namespace;
import org.tilekv.tier.DiskTier;
import org.tilekv.tier.DiskTierOptions;
import org.tilekv.tier.TierStorage;

/**
 * Puts a disk tier below the cache of each model whose tiles the host can copy.
 *
 * @param directories where the tiers keep their files; each takes a subdirectory of its own
 */
record DiskTiers(List<Path> directories, TileKvConfig config) implements PrefixSources {

  private static final Logger LOG = LoggerFactory.getLogger(DiskTiers.class);
  private static final String AUTO = "auto";

  /**
   * As {@code disk.dirs} says.
   *
   * @param localDirectories Spark's, asked for where the setting is {@code auto}
   */
  static PrefixSources of(TileKvConfig config, Supplier<List<Path>> localDirectories) {
    Optional<String> setting = config.find(Settings.DISK_DIRS);
    if (setting.isEmpty()) {
      return NONE;
    }
    List<Path> directories =
        setting.get().trim().equals(AUTO)
            ? localDirectories.get()
            : Arrays.stream(setting.get().split(","))
                .map(String::trim)
                .filter(name -> !name.isEmpty())
                .map(Path::of)
                .toList();
    return directories.isEmpty() ? NONE : new DiskTiers(directories, config);
  }

  /** A directory beside each of those in which this executor keeps its blocks. */
  static List<Path> localDirectories() {
    SparkEnv env = SparkEnv.get();
    if (env == null) {
      return List.of();
    }
    return Arrays.stream(env.blockManager().diskBlockManager().localDirs())
        .map(File::getParentFile)
        .map(parent -> parent.toPath().resolve("tilekv"))
        .toList();
  }

  @Override
  public List<PrefixSource> open(TileCache cache, Namespace namespace) {
    if (!cache.copiesToHost()) {
      LOG.warn("{} is not used: the tiles of this model are on a GPU", Settings.DISK_DIRS.key());
      return List.of();
    }
    DiskTierOptions options =
        DiskTierOptions.of(
                directories, config.get(Settings.DISK_BYTES), namespace.bytes(), cache.geometry())
            .withAdmission(config.get(Settings.DISK_ADMISSION));
    DiskTier tier = DiskTier.open(options, TierStorage.real(), System::currentTimeMillis);
    return List.of(CacheTier.open(cache, tier, CacheTierOptions.DEFAULT));
  }
}
