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

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.LowerTierStats;
import org.tilekv.tier.Reuse;

/** A lower tier that keeps everything, and fails when the test says so. */
public final class MapTier implements LowerTier {

  /** What goes wrong. */
  public enum Fault {
    NONE,
    REFUSES,
    LOSES,
    THROWS_ON_PUT,
    NO_MEMORY_ON_PUT,
    THROWS_ON_GET,
    OTHER_TOKENS
  }

  private record Group(GroupMeta meta, byte[] bytes, Reuse reuse) {}

  final Map<GroupKey, Group> groups = new ConcurrentHashMap<>();
  public volatile Fault fault = Fault.NONE;
  volatile boolean closed;
  volatile boolean admits = true;
  volatile Runnable onGet = () -> {};
  volatile @Nullable Error failure;
  private final int groupBytes;
  private final AtomicLong puts = new AtomicLong();
  private final AtomicLong hits = new AtomicLong();

  public MapTier(int groupBytes) {
    this.groupBytes = groupBytes;
  }

  @Nullable Reuse reuse(GroupKey key) {
    Group group = groups.get(key);
    return group == null ? null : group.reuse;
  }

  @Override
  public boolean contains(GroupKey key) {
    return groups.containsKey(key);
  }

  @Override
  public boolean admits(GroupKey key, Reuse reuse) {
    return admits;
  }

  @Override
  public boolean put(GroupMeta meta, ByteBuffer bytes, Reuse reuse) {
    if (bytes.remaining() != groupBytes) {
      throw new IllegalArgumentException(bytes.remaining() + " bytes; not " + groupBytes);
    }
    Error error = failure;
    if (error != null) {
      throw error;
    }
    switch (fault) {
      case REFUSES -> {
        return false;
      }
      case THROWS_ON_PUT -> throw new IllegalStateException("put fails");
      case NO_MEMORY_ON_PUT -> throw new OutOfMemoryError("put fails");
      default -> {}
    }
    byte[] copy = new byte[groupBytes];
    bytes.get(copy);
    puts.incrementAndGet();
    groups.put(meta.key(), new Group(meta, copy, reuse));
    return true;
  }

  @Override
  public @Nullable GroupMeta peek(GroupKey key, ByteBuffer dst) {
    return get(key, dst);
  }

  @Override
  public boolean fill(GroupMeta meta, ByteBuffer bytes) {
    return put(meta, bytes, Reuse.PLANNED);
  }

  @Override
  public List<GroupKey> keys() {
    return List.copyOf(groups.keySet());
  }

  @Override
  public @Nullable GroupMeta describe(GroupKey key) {
    Group group = groups.get(key);
    return group == null ? null : group.meta;
  }

  @Override
  public @Nullable GroupMeta get(GroupKey key, ByteBuffer dst) {
    onGet.run();
    Group group = groups.get(key);
    switch (fault) {
      case LOSES -> {
        groups.remove(key);
        return null;
      }
      case THROWS_ON_GET -> throw new IllegalStateException("get fails");
      default -> {}
    }
    if (group == null) {
      return null;
    }
    dst.put(dst.position(), group.bytes);
    hits.incrementAndGet();
    GroupMeta meta = group.meta;
    return fault == Fault.OTHER_TOKENS
        ? new GroupMeta(meta.chainHash(), meta.parentHash(), new int[meta.tokens().length])
        : meta;
  }

  @Override
  public boolean remove(GroupKey key) {
    return groups.remove(key) != null;
  }

  @Override
  public int groupBytes() {
    return groupBytes;
  }

  @Override
  public LowerTierStats stats() {
    return new LowerTierStats(
        hits.get(), 0, puts.get(), 0, 0, 0, 0, 0, 0, 0, 0, groups.size(), 0, 0, 0, 0);
  }

  @Override
  public void close() {
    closed = true;
  }
}
