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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Groups in files on local disks ({@code docs/tile-file-format.md}), least recently used out first,
 * over several directories with a cap each.
 *
 * <p>All groups have one length, so a file is a row of slots, and a group that leaves makes room
 * for one that comes: nothing is compacted, and a group costs one write. A group is visible once
 * all its bytes and then its entry are written; every read verifies both.
 *
 * <p>What is there outlives the process. After {@link #close} the next one finds all groups in
 * their order; after a kill it finds every group that was visible, in an order that is exact up to
 * the last {@value #ORDER_INTERVAL_MS} ms and by time of writing from there on. After a loss of
 * power groups written shortly before may be gone or damaged; damage is found when they are read.
 *
 * <p>A directory that fails {@link DiskDirectory#MOST_FAILURES} times in a row drops out: its
 * groups are gone, which is counted and logged once; the others go on.
 */
public final class DiskTier implements LowerTier {
  private static final Logger LOG = LoggerFactory.getLogger(DiskTier.class);

  static final long ORDER_INTERVAL_MS = 30_000;
  static final long GROW_AGAIN_MS = 60_000;

  private static final long SMALLEST_SEGMENT_BYTES = 64L << 20;
  private static final long LARGEST_SEGMENT_BYTES = 1L << 30;
  private static final int SEGMENTS_PER_DIRECTORY = 64;
  private static final int MOST_OFFERS = 1 << 16;

  private final DiskTierOptions options;
  private final LongSupplier clockMs;
  private final long segmentBytes;
  private final DiskIndex index;
  private final Admission admission;
  private final DiskCounters counters = new DiskCounters();
  private final List<DiskDirectory> directories = new ArrayList<>();

  private DiskTier(DiskTierOptions options, long segmentBytes, LongSupplier clockMs) {
    this.options = options;
    this.segmentBytes = segmentBytes;
    this.clockMs = clockMs;
    this.index = new DiskIndex(smallestSegmentBytes(options));
    this.admission = new Admission(options.admission(), MOST_OFFERS);
  }

  /**
   * Opens the tier and takes over what an earlier process left of the same namespace and shape. A
   * directory that cannot be used drops out; with none left the tier is off and says false.
   *
   * @param clockMs wall-clock time, ms since 1970
   */
  public static DiskTier open(DiskTierOptions options, TierStorage storage, LongSupplier clockMs) {
    long part = options.capBytesPerDirectory() / SEGMENTS_PER_DIRECTORY;
    long bytes = Math.max(SMALLEST_SEGMENT_BYTES, Math.min(LARGEST_SEGMENT_BYTES, part));
    return open(options, bytes, storage, clockMs);
  }

  static DiskTier open(
      DiskTierOptions options, long segmentBytes, TierStorage storage, LongSupplier clockMs) {
    DiskTier tier = new DiskTier(options, segmentBytes, clockMs);
    for (Path directory : options.directories()) {
      tier.openDirectory(storage, directory.toAbsolutePath().normalize());
    }
    return tier;
  }

  private void openDirectory(TierStorage storage, Path directory) {
    try {
      DiskDirectory opened = DiskDirectory.open(storage, options, directory, clockMs.getAsLong());
      adopt(opened);
      new DirectorySweep(storage, options.sweepIdleMs(), clockMs.getAsLong(), counters)
          .run(directory, opened.subdirectory());
    } catch (IOException e) {
      counters.ioErrors.increment();
      counters.droppedDirectories.increment();
      LOG.warn("no tiles are kept in {}: {}", directory, e.toString());
    }
  }

  private void adopt(DiskDirectory directory) throws IOException {
    long capBytes = segmentCapBytes(options);
    try {
      FoundGroups found = directory.scan(capBytes, counters);
      DiskSpace space = index.addSpace(capBytes);
      directories.add(directory);
      index.adopt(space, found);
    } catch (IOException e) {
      discard(directory);
      throw e;
    }
  }

  // What is left of the cap when the order, twice while it is replaced, and the lock have theirs.
  private static long segmentCapBytes(DiskTierOptions options) {
    long cap = options.capBytesPerDirectory();
    int slots =
        SegmentLayout.slotsWithin(cap, options.groupBytes(), options.geometry().tileTokens());
    return cap - 2 * OrderFile.bytes(slots) - SegmentLayout.BLOCK_BYTES;
  }

  private static long smallestSegmentBytes(DiskTierOptions options) {
    return SegmentLayout.smallestFileBytes(options.groupBytes(), options.geometry().tileTokens());
  }

  @Override
  public boolean contains(GroupKey key) {
    return index.contains(key);
  }

  @Override
  public void asked(GroupKey key) {
    admission.asked(key);
  }

  @Override
  public boolean admits(GroupKey key, Reuse reuse) {
    boolean admitted = admission.admits(key, reuse);
    if (!admitted) {
      counters.refusedPuts.increment();
    }
    return admitted;
  }

  @Override
  public boolean put(GroupMeta meta, ByteBuffer bytes, Reuse reuse) {
    requireGroup(bytes, bytes.remaining() == groupBytes());
    requireTokens(meta);
    GroupKey key = meta.key();
    if (index.touch(key)) {
      return true;
    }
    if (!admits(key, reuse)) {
      return false;
    }
    DiskSlot slot = reserve(key);
    if (slot == null) {
      counters.failedPuts.increment();
      return false;
    }
    return write(slot, meta, bytes);
  }

  private @Nullable DiskSlot reserve(GroupKey key) {
    while (true) {
      DiskIndex.Room room = index.reserve(key, clockMs.getAsLong());
      if (room.grow() == null) {
        return room.slot();
      }
      grow(room.grow(), room.growBytes());
    }
  }

  private void grow(DiskSpace space, long mostBytes) {
    DiskDirectory directory = directories.get(space.directory);
    SegmentFile segment = null;
    try {
      segment = directory.grow(Math.min(segmentBytes, mostBytes));
      directory.succeeded(true);
    } catch (IOException e) {
      failed(space, true, e.toString());
    }
    finish(
        space,
        segment == null
            ? index.notGrown(space, clockMs.getAsLong() + GROW_AGAIN_MS)
            : index.grown(space, segment));
  }

  private boolean write(DiskSlot slot, GroupMeta meta, ByteBuffer bytes) {
    boolean written = false;
    long startMs = clockMs.getAsLong();
    try {
      if (slot.marked) {
        slot.segment.clear(slot.number);
      }
      slot.marked = true;
      slot.segment.write(slot.number, meta, slot.sequence, bytes);
      written = true;
      succeeded(slot.space, true, startMs);
    } catch (IOException e) {
      failedToWrite(slot.space, groupBytes(), e);
    }
    (written ? counters.puts : counters.failedPuts).increment();
    finish(slot.space, written ? index.publish(slot) : index.abandon(slot));
    saveOrderWhenDue(slot.space);
    return written && index.contains(meta.key());
  }

  @Override
  public boolean fill(GroupMeta meta, ByteBuffer bytes) {
    return contains(meta.key())
        || index.hasRoom(clockMs.getAsLong()) && put(meta, bytes, Reuse.PLANNED);
  }

  @Override
  public @Nullable GroupMeta peek(GroupKey key, ByteBuffer dst) {
    requireGroup(dst, dst.remaining() >= groupBytes());
    DiskSlot slot = index.peek(key);
    return slot == null ? null : read(slot, key, dst);
  }

  @Override
  public @Nullable GroupMeta get(GroupKey key, ByteBuffer dst) {
    requireGroup(dst, dst.remaining() >= groupBytes());
    admission.asked(key);
    DiskSlot slot = index.pin(key);
    GroupMeta meta = slot == null ? null : read(slot, key, dst);
    (meta == null ? counters.misses : counters.hits).increment();
    return meta;
  }

  private @Nullable GroupMeta read(DiskSlot slot, GroupKey key, ByteBuffer dst) {
    long startMs = clockMs.getAsLong();
    GroupMeta meta = null;
    try {
      meta = slot.segment.read(slot.number, key, dst);
      if (meta != null) {
        succeeded(slot.space, false, startMs);
      } else {
        dropDoubtful(slot);
      }
    } catch (IOException e) {
      index.drop(slot);
      failed(slot.space, false, e.toString());
    }
    finish(slot.space, index.unpin(slot));
    saveOrderWhenDue(slot.space);
    return meta;
  }

  private void dropDoubtful(DiskSlot slot) throws IOException {
    if (index.drop(slot)) {
      counters.corruptGroups.increment();
      countFailure(slot.space, false, "a group is damaged in " + slot.segment.path());
      slot.segment.clear(slot.number);
    }
  }

  @Override
  public List<GroupKey> keys() {
    return index.keys();
  }

  /** Damage that is found here is left to the next {@link #get}, which counts it. */
  @Override
  public @Nullable GroupMeta describe(GroupKey key) {
    DiskSlot slot = index.peek(key);
    if (slot == null) {
      return null;
    }
    GroupMeta meta = null;
    try {
      meta = slot.segment.describe(slot.number, key);
    } catch (IOException e) {
      failed(slot.space, false, e.toString());
    }
    finish(slot.space, index.unpin(slot));
    return meta;
  }

  @Override
  public boolean remove(GroupKey key) {
    return index.drop(key);
  }

  private void succeeded(DiskSpace space, boolean write, long startMs) {
    long tookMs = clockMs.getAsLong() - startMs;
    if (tookMs > options.slowMs()) {
      failed(space, write, "a group took " + tookMs + " ms; allowed are " + options.slowMs());
    } else {
      directories.get(space.directory).succeeded(write);
    }
  }

  // Segments are sparse: on a full disk writes into their holes fail, and what is there is good.
  private void failedToWrite(DiskSpace space, long bytes, IOException why) {
    if (!directories.get(space.directory).lacksRoom(bytes)) {
      failed(space, true, why.toString());
    }
  }

  // The caller uses the space: its files are closed when that ends.
  private void failed(DiskSpace space, boolean write, String reason) {
    counters.ioErrors.increment();
    countFailure(space, write, reason);
  }

  private void countFailure(DiskSpace space, boolean write, String reason) {
    DiskDirectory directory = directories.get(space.directory);
    if (directory.failed(write) && index.dropOut(space)) {
      counters.droppedDirectories.increment();
      LOG.warn(
          "no tiles are kept in {} any more, after {} failures in a row; the last: {}",
          directory.subdirectory(),
          DiskDirectory.MOST_FAILURES,
          reason);
    }
  }

  private void saveOrderWhenDue(DiskSpace space) {
    DiskDirectory directory = directories.get(space.directory);
    if (!directory.startSavingOrder(clockMs.getAsLong(), ORDER_INTERVAL_MS)
        || !index.acquire(space)) {
      return;
    }
    OrderFile order = index.order(space);
    try {
      directory.saveOrder(order);
      directory.succeeded(true);
    } catch (IOException e) {
      failedToWrite(space, OrderFile.bytes(order.uses().size()), e);
    }
    finish(space, index.release(space));
  }

  private void finish(DiskSpace space, boolean lastUse) {
    if (lastUse) {
      discard(directories.get(space.directory));
      index.closed(space);
    }
  }

  private void discard(DiskDirectory directory) {
    try {
      directory.discard();
    } catch (IOException e) {
      counters.ioErrors.increment();
    }
  }

  private void requireGroup(ByteBuffer buffer, boolean fits) {
    if (!fits) {
      throw new IllegalArgumentException(
          "the buffer has " + buffer.remaining() + " bytes; a group has " + groupBytes());
    }
  }

  private void requireTokens(GroupMeta meta) {
    int tileTokens = options.geometry().tileTokens();
    if (meta.tokens().length != tileTokens) {
      throw new IllegalArgumentException(
          "group " + meta + " has " + meta.tokens().length + " tokens; it must have " + tileTokens);
    }
  }

  @Override
  public int groupBytes() {
    return options.groupBytes();
  }

  @Override
  public LowerTierStats stats() {
    return counters.stats(index.gauges(), groupBytes());
  }

  /** Throws {@link IllegalStateException} unless all adds up; for tests, while no call runs. */
  public void checkIntegrity() {
    index.checkIntegrity();
  }

  @Override
  public void close() {
    for (DiskSpace space : index.close()) {
      try {
        directories.get(space.directory).close(index.order(space));
      } catch (IOException e) {
        counters.ioErrors.increment();
        LOG.warn("closing tile files failed: {}", e.toString());
      }
    }
  }
}
