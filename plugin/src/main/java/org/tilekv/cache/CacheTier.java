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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.tilekv.HostAllocator;
import org.tilekv.SequenceRequest;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.Reuse;

/**
 * A tier below a cache's pool: tiles that leave the pool are saved there, and come back where that
 * is cheaper than computing them. Thread-safe.
 *
 * <pre>
 *   pool ---evicted: copied--> staging ---in the background--> lower tier
 *     ^                           |                                |
 *     +---------------------------+--------a prefix is loaded------+
 * </pre>
 *
 * A tile has left the pool's index before its bytes are copied, and enters it after they are back,
 * so that nothing half moved is ever found. Whatever fails on the way is a tile to compute.
 */
public final class CacheTier implements PrefixSource {

  private static final long CLOSE_SECONDS = 10;
  private static final int CALIBRATION_READS = 3;

  private final TileCache cache;
  private final LowerTier tier;
  private final ExecutorService writes;
  private final ExecutorService reads;
  private final TierCounters counters = new TierCounters();
  private final SpillStaging staging;
  private final TierLoads loads;

  /**
   * Puts a tier below a cache, and owns it from now on.
   *
   * @throws IllegalArgumentException where the tier's groups are not the cache's
   */
  public static CacheTier open(TileCache cache, LowerTier tier, CacheTierOptions options) {
    return new CacheTier(
        cache,
        tier,
        options,
        Executors.newSingleThreadExecutor(task -> daemon("tilekv-spill", task)),
        Executors.newFixedThreadPool(options.loadThreads(), task -> daemon("tilekv-load", task)),
        System::nanoTime);
  }

  CacheTier(
      TileCache cache,
      LowerTier tier,
      CacheTierOptions options,
      ExecutorService writes,
      ExecutorService reads,
      LongSupplier nanoClock) {
    if (tier.groupBytes() != cache.groupBytes()) {
      throw new IllegalArgumentException(
          "the tier's groups have "
              + tier.groupBytes()
              + " bytes; those of the cache "
              + cache.groupBytes());
    }
    this.cache = cache;
    this.tier = tier;
    this.writes = writes;
    this.reads = reads;
    double nsPerByte =
        calibrate(tier, cache.geometry().tileTokens(), options.allocator(), nanoClock);
    LoadCost cost = new LoadCost(tier.groupBytes(), cache.geometry().tileTokens(), nsPerByte);
    staging = new SpillStaging(tier, options.stagingBytes(), options.allocator(), writes, counters);
    loads =
        new TierLoads(cache, tier, staging, cost, reads, options.allocator(), nanoClock, counters);
    cache.saveEvicted(staging);
    cache.below(tier);
  }

  private static Thread daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Time of a read per byte: of one tile, the best of a few reads; 0 where that fails. */
  private static double calibrate(
      LowerTier tier, int tileTokens, HostAllocator allocator, LongSupplier nanoClock) {
    byte[] name = new byte[GroupKey.HASH_BYTES];
    GroupMeta meta = new GroupMeta(name, name, new int[tileTokens]);
    ByteBuffer bytes;
    try {
      bytes = allocator.allocate(tier.groupBytes());
    } catch (OutOfMemoryError e) {
      return 0;
    }
    try {
      if (!tier.put(meta, bytes, Reuse.PLANNED)) {
        return 0;
      }
      long least = Long.MAX_VALUE;
      for (int i = 0; i < CALIBRATION_READS; i++) {
        long start = nanoClock.getAsLong();
        if (!reads(tier, meta.key(), bytes.clear())) {
          return 0;
        }
        least = Math.min(least, nanoClock.getAsLong() - start);
      }
      return (double) least / tier.groupBytes();
    } finally {
      tier.remove(meta.key());
      allocator.free(bytes);
    }
  }

  private static boolean reads(LowerTier tier, GroupKey key, ByteBuffer buffer) {
    try (LowerTier.HeldGroup held = tier.hold(key)) {
      return held != null || tier.get(key, buffer) != null;
    }
  }

  @Override
  public int loadableTokens(SequenceRequest request, int residentTokens) {
    return loads.loadableTokens(request, residentTokens);
  }

  @Override
  public CompletableFuture<Void> load(SequenceRequest request) {
    return loads.load(request);
  }

  @Override
  public void computed(int tokens, long nanos) {
    loads.computed(tokens, nanos);
  }

  @Override
  public TierStats stats() {
    return counters.snapshot(tier.stats());
  }

  /** Verifies the bookkeeping of tiles on their way; while nothing moves. */
  public void checkIntegrity() {
    staging.checkIntegrity();
  }

  /** Slots of tiles on their way that are allocated. */
  int allocatedSlots() {
    return staging.allocatedSlots();
  }

  /** Tiles leave the pool unsaved from now on. Waits, within a bound, for reads and writes. */
  @Override
  public void close() {
    cache.saveEvicted(null);
    cache.below(null);
    loads.close();
    reads.shutdown();
    staging.close();
    writes.shutdown();
    awaitEnd(reads);
    awaitEnd(writes);
    tier.close();
    if (reads.isTerminated()) {
      // Where a load hangs its memory is left to it.
      loads.free();
    }
  }

  /** Waits, within a bound, but not for an interrupt, which is kept. */
  private static void awaitEnd(ExecutorService executor) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
    boolean interrupted = false;
    boolean ended = false;
    long left = end - System.nanoTime();
    while (!ended && left > 0) {
      try {
        ended = executor.awaitTermination(left, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true;
      }
      left = end - System.nanoTime();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
