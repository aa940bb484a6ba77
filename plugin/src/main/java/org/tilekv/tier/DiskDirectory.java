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
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The files of one directory: a locked subdirectory with segments and the saved order. Knows no
 * groups; {@link DiskIndex} does. Safe for threads.
 */
final class DiskDirectory {
  /** Failures in a row, of reads or of writes, after which a directory is given up. */
  static final int MOST_FAILURES = 3;

  private static final int MOST_TIERS = 1000;

  private final TierStorage storage;
  private final DiskTierOptions options;
  private final Path subdirectory;
  private final DirectoryLock lock;
  private final List<SegmentFile> segments = new ArrayList<>();
  private final AtomicInteger readFailures = new AtomicInteger();
  private final AtomicInteger writeFailures = new AtomicInteger();
  private final AtomicBoolean savingOrder = new AtomicBoolean();
  private volatile long orderSavedMs;

  private DiskDirectory(
      TierStorage storage, DiskTierOptions options, Path subdirectory, DirectoryLock lock) {
    this.storage = storage;
    this.options = options;
    this.subdirectory = subdirectory;
    this.lock = lock;
  }

  /** Takes the first subdirectory of this namespace that no other tier has. */
  static DiskDirectory open(
      TierStorage storage, DiskTierOptions options, Path directory, long nowMs) throws IOException {
    for (int n = 0; n < MOST_TIERS; n++) {
      Path subdirectory =
          DiskNames.subdirectory(directory, options.namespace(), n).toAbsolutePath().normalize();
      storage.createDirectories(subdirectory);
      DirectoryLock lock = DirectoryLock.tryLock(storage, subdirectory);
      if (lock != null) {
        DiskDirectory opened = new DiskDirectory(storage, options, subdirectory, lock);
        opened.orderSavedMs = nowMs;
        return opened;
      }
    }
    throw new IOException(MOST_TIERS + " other tiers use " + directory);
  }

  /** Looks at what is there. */
  synchronized FoundGroups scan(long capBytes, DiskCounters counters) throws IOException {
    FoundGroups found = new DirectoryScan(storage, subdirectory, options, counters).run(capBytes);
    segments.addAll(found.segments());
    String owner = "pid " + ProcessHandle.current().pid() + "\n";
    lock.file().write(ByteBuffer.wrap(owner.getBytes(StandardCharsets.US_ASCII)), 0);
    return found;
  }

  Path subdirectory() {
    return subdirectory;
  }

  /**
   * Adds a segment of at most {@code mostBytes}; null where the disk has no room for it. Called by
   * one thread at a time.
   */
  @Nullable SegmentFile grow(long mostBytes) throws IOException {
    long bytes = Math.min(mostBytes, storage.freeBytes(subdirectory));
    int slots =
        SegmentLayout.slotsWithin(bytes, options.groupBytes(), options.geometry().tileTokens());
    if (slots == 0) {
      return null;
    }
    TileFileHeader header = TileFileHeader.of(TileFileKind.SEGMENT, options, slots);
    SegmentFile segment = SegmentFile.create(storage, subdirectory, nextNumber(), header);
    synchronized (this) {
      segments.add(segment);
    }
    return segment;
  }

  /** Whether the disk has no room for so many bytes and the entry that says what they are. */
  boolean lacksRoom(long bytes) {
    try {
      return storage.freeBytes(subdirectory) < bytes + SegmentLayout.BLOCK_BYTES;
    } catch (IOException e) {
      return false;
    }
  }

  private synchronized int nextNumber() {
    return segments.stream().mapToInt(SegmentFile::number).max().orElse(-1) + 1;
  }

  /** Counts a failure; true where there were too many in a row. */
  boolean failed(boolean write) {
    return (write ? writeFailures : readFailures).incrementAndGet() >= MOST_FAILURES;
  }

  void succeeded(boolean write) {
    AtomicInteger failures = write ? writeFailures : readFailures;
    if (failures.get() != 0) {
      failures.set(0);
    }
  }

  /** True for one caller when the order was last saved long ago; it must {@link #saveOrder}. */
  boolean startSavingOrder(long nowMs, long intervalMs) {
    if (nowMs - orderSavedMs < intervalMs || !savingOrder.compareAndSet(false, true)) {
      return false;
    }
    orderSavedMs = nowMs;
    return true;
  }

  void saveOrder(OrderFile order) throws IOException {
    try {
      order.save(storage, subdirectory.resolve(DiskNames.ORDER), options);
    } finally {
      savingOrder.set(false);
    }
  }

  /** Saves the order, makes all durable and closes it. Goes on after failures, throws the first. */
  synchronized void close(OrderFile order) throws IOException {
    Closing closing = new Closing();
    closing.run(() -> saveOrder(order));
    for (SegmentFile segment : segments) {
      closing.run(segment::force);
    }
    closeFiles(closing);
    closing.throwFirst();
  }

  /** Deletes and closes all that is there, as far as it goes. */
  synchronized void discard() throws IOException {
    Closing closing = new Closing();
    for (SegmentFile segment : segments) {
      closing.run(() -> storage.delete(segment.path()));
    }
    closing.run(() -> storage.delete(subdirectory.resolve(DiskNames.ORDER)));
    closeFiles(closing);
    closing.throwFirst();
  }

  private void closeFiles(Closing closing) {
    for (SegmentFile segment : segments) {
      closing.run(segment::close);
    }
    closing.run(lock::close);
  }
}
