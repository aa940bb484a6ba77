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
import java.util.function.Supplier;
import org.apache.spark.SparkEnv;
import org.jspecify.annotations.Nullable;
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
import org.tilekv.tier.HostTier;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.StackedTier;
import org.tilekv.tier.TierStorage;

/**
 * Puts the tiers that the settings name below the cache of each model: host memory where the pool
 * is on a GPU, and disk.
 *
 * @param directories where disk tiers keep their files; each takes a subdirectory of its own; none
 *     where there is no disk tier
 * @param hostBytes of the host tier of a pool on a GPU, 0 for none
 */
record LowerTiers(List<Path> directories, long hostBytes, TileKvConfig config)
    implements PrefixSources {

  private static final Logger LOG = LoggerFactory.getLogger(LowerTiers.class);
  private static final String AUTO = "auto";
  // Of tiles on their way down, each kind of pool.
  private static final long STAGING_BYTES = 64L << 20;
  private static final long GPU_STAGING_BYTES = 256L << 20;
  private static final int LOAD_THREADS = 2;

  /**
   * As {@code host.bytes} and {@code disk.dirs} say.
   *
   * @param localDirectories Spark's, asked for where the setting is {@code auto}
   */
  static PrefixSources of(TileKvConfig config, Supplier<List<Path>> localDirectories) {
    List<Path> directories =
        config
            .find(Settings.DISK_DIRS)
            .map(setting -> directories(setting.trim(), localDirectories))
            .orElse(List.of());
    long hostBytes = config.find(Settings.HOST_BYTES).orElse(0L);
    return directories.isEmpty() && hostBytes == 0
        ? NONE
        : new LowerTiers(directories, hostBytes, config);
  }

  private static List<Path> directories(String setting, Supplier<List<Path>> localDirectories) {
    return setting.equals(AUTO)
        ? localDirectories.get()
        : Arrays.stream(setting.split(","))
            .map(String::trim)
            .filter(name -> !name.isEmpty())
            .map(Path::of)
            .toList();
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
      LOG.warn("no tiers below the pool: its tiles cannot be copied");
      return List.of();
    }
    HostTier host = cache.onDevice() && hostBytes > 0 ? openHost(cache) : null;
    DiskTier disk = directories.isEmpty() ? null : openDisk(cache, namespace);
    LowerTier tier = host == null ? disk : disk == null ? host : new StackedTier(host, disk);
    if (tier == null) {
      return List.of();
    }
    long stagingBytes = cache.onDevice() ? GPU_STAGING_BYTES : STAGING_BYTES;
    return List.of(
        CacheTier.open(
            cache, tier, new CacheTierOptions(stagingBytes, LOAD_THREADS, cache.hostAllocator())));
  }

  /** A tier that finds no memory is left out: its tiles are computed. */
  private @Nullable HostTier openHost(TileCache cache) {
    try {
      return HostTier.create(
          cache.geometry(), cache.geometry().kvHeads(), hostBytes, cache.hostAllocator());
    } catch (OutOfMemoryError e) {
      LOG.warn(
          "no host tier: {} of {} bytes is more pinned memory than there is",
          Settings.HOST_BYTES.key(),
          hostBytes,
          e);
      return null;
    }
  }

  private DiskTier openDisk(TileCache cache, Namespace namespace) {
    DiskTierOptions options =
        DiskTierOptions.of(
                directories, config.get(Settings.DISK_BYTES), namespace.bytes(), cache.geometry())
            .withAdmission(config.get(Settings.DISK_ADMISSION));
    return DiskTier.open(options, TierStorage.real(), System::currentTimeMillis);
  }
}
