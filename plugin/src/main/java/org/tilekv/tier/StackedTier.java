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
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Two tiers as one: groups go to both, as far as each takes them, and come from the upper one where
 * they are there. What is read from the lower one enters the upper one. What is read from the upper
 * one has been used a second time, and is written to the lower one in the background: when the
 * upper one drops a group, nothing has to be moved.
 */
public final class StackedTier implements LowerTier {

  private static final int MOST_PENDING = 64;
  private static final long CLOSE_SECONDS = 10;

  private final LowerTier upper;
  private final LowerTier lower;
  private final ExecutorService writer;
  private final Set<GroupKey> pending = ConcurrentHashMap.newKeySet();
  private final ByteBuffer scratch;

  /** Owns both tiers from now on; their groups have the same size. */
  public StackedTier(LowerTier upper, LowerTier lower) {
    this(
        upper,
        lower,
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "tilekv-stack");
              thread.setDaemon(true);
              return thread;
            }));
  }

  StackedTier(LowerTier upper, LowerTier lower, ExecutorService writer) {
    if (upper.groupBytes() != lower.groupBytes()) {
      throw new IllegalArgumentException(
          "groups have "
              + upper.groupBytes()
              + " bytes above and "
              + lower.groupBytes()
              + " below");
    }
    this.upper = upper;
    this.lower = lower;
    this.writer = writer;
    scratch = ByteBuffer.allocateDirect(upper.groupBytes());
  }

  @Override
  public boolean contains(GroupKey key) {
    return upper.contains(key) || lower.contains(key);
  }

  @Override
  public void asked(GroupKey key) {
    upper.asked(key);
    lower.asked(key);
  }

  /** As the upper tier says; the lower one decides by itself what it takes. */
  @Override
  public boolean admits(GroupKey key, Reuse reuse) {
    return upper.admits(key, reuse);
  }

  @Override
  public boolean put(GroupMeta meta, ByteBuffer bytes, Reuse reuse) {
    boolean above = upper.put(meta, bytes, reuse);
    boolean below = lower.put(meta, bytes, reuse);
    return above || below;
  }

  @Override
  public @Nullable GroupMeta get(GroupKey key, ByteBuffer dst) {
    GroupMeta meta = upper.get(key, dst);
    if (meta != null) {
      keepBelow(key);
      return meta;
    }
    return raise(lower.get(key, dst), dst);
  }

  @Override
  public @Nullable GroupMeta peek(GroupKey key, ByteBuffer dst) {
    GroupMeta above = upper.peek(key, dst);
    return above == null ? lower.peek(key, dst) : above;
  }

  @Override
  public boolean fill(GroupMeta meta, ByteBuffer bytes) {
    return contains(meta.key()) || upper.fill(meta, bytes) || lower.fill(meta, bytes);
  }

  @Override
  public @Nullable HeldGroup hold(GroupKey key) {
    HeldGroup held = upper.hold(key);
    if (held != null) {
      keepBelow(key);
    }
    return held;
  }

  private @Nullable GroupMeta raise(@Nullable GroupMeta meta, ByteBuffer bytes) {
    if (meta != null) {
      int from = bytes.position();
      upper.put(meta, bytes.duplicate().limit(from + groupBytes()), Reuse.UNKNOWN);
    }
    return meta;
  }

  /** Queues a write below; a group that finds the queue full is written when it is read again. */
  private void keepBelow(GroupKey key) {
    if (lower.contains(key) || pending.size() >= MOST_PENDING || !pending.add(key)) {
      return;
    }
    try {
      writer.execute(() -> writeBelow(key));
    } catch (RejectedExecutionException e) {
      pending.remove(key);
    }
  }

  private void writeBelow(GroupKey key) {
    try {
      GroupMeta meta = upper.get(key, scratch.clear());
      if (meta != null) {
        lower.put(meta, scratch.clear(), Reuse.REUSED);
      }
    } finally {
      pending.remove(key);
    }
  }

  @Override
  public List<GroupKey> keys() {
    Set<GroupKey> keys = new LinkedHashSet<>(upper.keys());
    keys.addAll(lower.keys());
    return List.copyOf(keys);
  }

  @Override
  public @Nullable GroupMeta describe(GroupKey key) {
    GroupMeta above = upper.describe(key);
    return above == null ? lower.describe(key) : above;
  }

  @Override
  public boolean remove(GroupKey key) {
    boolean above = upper.remove(key);
    return lower.remove(key) || above;
  }

  @Override
  public int groupBytes() {
    return upper.groupBytes();
  }

  @Override
  public LowerTierStats stats() {
    return upper.stats().plus(lower.stats());
  }

  @Override
  public void close() {
    writer.shutdown();
    try {
      writer.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    upper.close();
    lower.close();
  }
}
