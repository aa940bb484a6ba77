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

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.tilekv.HostAllocator;
import org.tilekv.TileGeometry;
import org.tilekv.config.DiskAdmission;

/**
 * Groups in host memory, over a {@link HostTileCache} whose tile is a whole group: published,
 * evicted and read in one piece. What a group is stands beside it in a map, pruned when it has
 * twice as many entries as the cache may hold; chain hashes name content, so an entry that outlives
 * its bytes is never wrong. It comes after them: a group is there once both are.
 *
 * <p>Admission only advises: a put is always taken.
 */
public final class HostTier implements LowerTier {
  private static final int SPARE_METAS = 64;
  private static final int MOST_OFFERS = 1 << 18;

  private final HostTileCache cache;
  private final int groupBytes;
  private final int mostMetas;
  private final Map<GroupKey, GroupMeta> metas = new ConcurrentHashMap<>();
  private final Admission admission = new Admission(DiskAdmission.ADAPTIVE, MOST_OFFERS);
  private final LongAdder refusedPuts = new LongAdder();
  private final AtomicBoolean pruning = new AtomicBoolean();
  private volatile boolean closed;

  private HostTier(HostTileCache cache) {
    this.cache = cache;
    this.groupBytes = cache.geometry().tileBytes();
    this.mostMetas = 2 * cache.stats().capacityTiles() + SPARE_METAS;
  }

  /**
   * Allocates a tier; throws {@link OutOfMemoryError} where the memory is not there.
   *
   * @param heads KV heads of a group
   * @param capacityBytes bytes of groups that may be resident, 0 or more
   */
  public static HostTier create(
      TileGeometry geometry, int heads, long capacityBytes, HostAllocator allocator) {
    TileGeometry group =
        new TileGeometry(
            Math.multiplyExact(geometry.layers(), heads),
            geometry.kvHeads(),
            geometry.headDim(),
            geometry.tileTokens(),
            geometry.dtype());
    byte[] unnamed = new byte[TileFileHeader.NAMESPACE_BYTES];
    return new HostTier(HostTileCache.create(group, unnamed, capacityBytes, allocator));
  }

  @Override
  public boolean contains(GroupKey key) {
    try {
      return !closed && metas.containsKey(key) && cache.contains(key.tile(0));
    } catch (IllegalStateException e) {
      return whenClosed(e);
    }
  }

  @Override
  public void asked(GroupKey key) {
    admission.asked(key);
  }

  @Override
  public boolean admits(GroupKey key, Reuse reuse) {
    boolean admitted = admission.admits(key, reuse);
    if (!admitted) {
      refusedPuts.increment();
    }
    return admitted;
  }

  @Override
  public boolean put(GroupMeta meta, ByteBuffer bytes, Reuse reuse) {
    requireGroup(bytes, bytes.remaining() == groupBytes);
    if (closed) {
      return false;
    }
    GroupKey key = meta.key();
    prune();
    try {
      boolean put = cache.put(key.tile(0), bytes, bytes.position());
      if (put) {
        metas.put(key, meta);
      }
      return put;
    } catch (IllegalStateException e) {
      return whenClosed(e);
    }
  }

  @Override
  public @Nullable GroupMeta get(GroupKey key, ByteBuffer dst) {
    return read(key, dst, true);
  }

  @Override
  public @Nullable GroupMeta peek(GroupKey key, ByteBuffer dst) {
    return read(key, dst, false);
  }

  private @Nullable GroupMeta read(GroupKey key, ByteBuffer dst, boolean uses) {
    requireGroup(dst, dst.remaining() >= groupBytes);
    try {
      return !closed && read(key.tile(0), dst, uses) ? metas.get(key) : null;
    } catch (IllegalStateException e) {
      whenClosed(e);
      return null;
    }
  }

  private boolean read(TileKey tile, ByteBuffer dst, boolean uses) {
    int at = dst.position();
    return uses ? cache.get(tile, dst, at) : cache.peek(tile, dst, at);
  }

  @Override
  public boolean fill(GroupMeta meta, ByteBuffer bytes) {
    return contains(meta.key()) || hasRoom() && put(meta, bytes, Reuse.PLANNED);
  }

  private boolean hasRoom() {
    HostTileCacheStats stats = cache.stats();
    return stats.residentTiles() < stats.capacityTiles();
  }

  @Override
  public @Nullable HeldGroup hold(GroupKey key) {
    GroupMeta meta = metas.get(key);
    if (closed || meta == null) {
      return null;
    }
    try {
      HostTileCache.HeldTile tile = cache.hold(key.tile(0));
      return tile == null ? null : new Held(meta, tile);
    } catch (IllegalStateException e) {
      whenClosed(e);
      return null;
    }
  }

  private record Held(GroupMeta meta, HostTileCache.HeldTile tile) implements HeldGroup {

    @Override
    public ByteBuffer bytes() {
      return tile.bytes();
    }

    @Override
    public void close() {
      tile.close();
    }
  }

  @Override
  public List<GroupKey> keys() {
    return metas.keySet().stream().filter(this::contains).toList();
  }

  @Override
  public @Nullable GroupMeta describe(GroupKey key) {
    return contains(key) ? metas.get(key) : null;
  }

  @Override
  public boolean remove(GroupKey key) {
    try {
      return !closed && cache.remove(key.tile(0));
    } catch (IllegalStateException e) {
      return whenClosed(e);
    }
  }

  private boolean whenClosed(IllegalStateException failure) {
    if (closed) {
      return false;
    }
    throw failure;
  }

  private void requireGroup(ByteBuffer buffer, boolean fits) {
    if (!fits) {
      throw new IllegalArgumentException(
          "the buffer has " + buffer.remaining() + " bytes; a group has " + groupBytes);
    }
  }

  private void prune() {
    if (metas.size() > mostMetas && pruning.compareAndSet(false, true)) {
      try {
        metas.keySet().removeIf(key -> !contains(key));
      } finally {
        pruning.set(false);
      }
    }
  }

  @Override
  public int groupBytes() {
    return groupBytes;
  }

  /** Throws {@link IllegalStateException} unless all adds up; for tests, while no call runs. */
  public void checkIntegrity() {
    cache.checkIntegrity();
  }

  @Override
  public LowerTierStats stats() {
    HostTileCacheStats stats = cache.stats();
    return new LowerTierStats(
        stats.hits(),
        stats.misses(),
        stats.puts(),
        refusedPuts.sum(),
        stats.rejectedPuts(),
        stats.evictions(),
        0,
        0,
        0,
        stats.puts() * groupBytes,
        stats.hits() * groupBytes,
        stats.residentTiles(),
        stats.residentBytes(),
        (long) stats.capacityTiles() * groupBytes,
        0,
        0);
  }

  @Override
  public void close() {
    closed = true;
    cache.close();
    metas.clear();
  }
}
