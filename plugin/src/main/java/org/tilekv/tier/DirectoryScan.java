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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.tier.OrderFile.Use;

/**
 * Finds out what a subdirectory holds, when it is opened: files that are not this tier's, or are
 * damaged, are deleted and counted; what is left comes in order of use. Bytes of groups are not
 * read. Confined to the opening thread.
 */
final class DirectoryScan {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryScan.class);

  private final TierStorage storage;
  private final Path subdirectory;
  private final DiskTierOptions options;
  private final DiskCounters counters;

  private final List<SegmentFile> segments = new ArrayList<>();
  private final List<FoundGroups.Group> groups = new ArrayList<>();
  private final Map<SegmentFile, List<Integer>> damaged = new HashMap<>();
  private final Map<SegmentFile, Long> newest = new HashMap<>();
  private long completeUpTo = Long.MIN_VALUE;
  private long lastTick;

  DirectoryScan(
      TierStorage storage, Path subdirectory, DiskTierOptions options, DiskCounters counters) {
    this.storage = storage;
    this.subdirectory = subdirectory;
    this.options = options;
    this.counters = counters;
  }

  /** Opens what fits into {@code capBytes}; of more, the segments used last. */
  FoundGroups run(long capBytes) throws IOException {
    try {
      List<Path> files = storage.list(subdirectory);
      Map<Long, Use> uses = uses(files);
      for (Path file : files) {
        scan(file, uses);
      }
      dropBeyond(capBytes);
      groups.sort(Comparator.comparingLong(FoundGroups.Group::lastUse));
      return new FoundGroups(segments, groups, damaged, lastTick);
    } catch (IOException | RuntimeException e) {
      segments.forEach(segment -> DiskFiles.closeAfter(e, segment));
      throw e;
    }
  }

  // By the tick at which a group was written: no two were written at the same one.
  private Map<Long, Use> uses(List<Path> files) {
    Path path = subdirectory.resolve(DiskNames.ORDER);
    OrderFile order = files.contains(path) ? load(path) : null;
    Map<Long, Use> uses = new HashMap<>();
    if (order != null) {
      order.uses().forEach(use -> uses.put(use.sequence(), use));
      lastTick = Math.max(lastTick, order.completeUpTo());
      completeUpTo = order.completeUpTo();
    }
    return uses;
  }

  private @Nullable OrderFile load(Path path) {
    try {
      return OrderFile.load(storage, path, options);
    } catch (TileFileException e) {
      refuse(path, e);
    } catch (IOException e) {
      failed(path, e);
    }
    return null;
  }

  private void scan(Path file, Map<Long, Use> uses) {
    String name = DiskNames.name(file);
    if (name.equals(DiskNames.LOCK) || name.equals(DiskNames.ORDER)) {
      return;
    }
    if (name.endsWith(DiskNames.TEMPORARY)) {
      delete(file);
    } else if (DiskNames.segmentNumber(file).isEmpty()) {
      refuse(file, null);
    } else {
      openSegment(file, uses);
    }
  }

  private void openSegment(Path file, Map<Long, Use> uses) {
    SegmentFile segment = null;
    try {
      segment = SegmentFile.open(storage, file, options);
      scan(segment, uses);
      segments.add(segment);
    } catch (TileFileException e) {
      refuse(file, e);
    } catch (IOException e) {
      failed(file, e);
      if (segment != null) {
        DiskFiles.closeAfter(e, segment);
      }
    }
  }

  private void scan(SegmentFile segment, Map<Long, Use> uses) throws IOException {
    List<FoundGroups.Group> found = new ArrayList<>();
    List<Integer> unused = new ArrayList<>();
    segment.scan(
        (slot, entry) -> {
          FoundGroups.Group group = entry == null ? null : group(segment, slot, entry, uses);
          if (group == null) {
            unused.add(slot);
          } else {
            found.add(group);
          }
          if (entry == null) {
            counters.corruptGroups.increment();
          }
        });
    for (FoundGroups.Group group : found) {
      long use = Math.max(group.sequence(), group.lastUse());
      lastTick = Math.max(lastTick, use);
      newest.merge(segment, use, Math::max);
    }
    groups.addAll(found);
    damaged.put(segment, unused);
  }

  // Null where the group was dropped before the order was saved.
  private FoundGroups.@Nullable Group group(
      SegmentFile segment, int slot, SegmentEntry entry, Map<Long, Use> uses) {
    long sequence = entry.sequence();
    Use use = uses.get(sequence);
    boolean same = use != null && use.slot() == slot && use.segment() == segment.number();
    if (use != null && same) {
      return new FoundGroups.Group(segment, slot, entry.meta().key(), sequence, use.lastUse());
    }
    return sequence <= completeUpTo
        ? null
        : new FoundGroups.Group(segment, slot, entry.meta().key(), sequence, sequence);
  }

  private void dropBeyond(long capBytes) {
    segments.sort(
        Comparator.comparingLong((SegmentFile s) -> newest.getOrDefault(s, Long.MIN_VALUE))
            .reversed());
    long bytes = 0;
    List<SegmentFile> kept = new ArrayList<>();
    for (SegmentFile segment : segments) {
      if (bytes + segment.fileBytes() <= capBytes) {
        bytes += segment.fileBytes();
        kept.add(segment);
      } else {
        groups.removeIf(group -> group.segment() == segment);
        damaged.remove(segment);
        discard(segment);
      }
    }
    segments.retainAll(kept);
    segments.sort(Comparator.comparingInt(SegmentFile::number));
  }

  private void discard(SegmentFile segment) {
    try {
      segment.close();
    } catch (IOException e) {
      failed(segment.path(), e);
    }
    delete(segment.path());
  }

  private void refuse(Path file, @Nullable TileFileException reason) {
    counters.refusedFiles.increment();
    if (reason != null) {
      LOG.info("deleting {}", reason.getMessage());
    }
    delete(file);
  }

  private void failed(Path file, IOException e) {
    counters.ioErrors.increment();
    LOG.warn("cannot use tile file {}: {}", file, e.toString());
    delete(file);
  }

  private void delete(Path file) {
    try {
      storage.delete(file);
    } catch (IOException e) {
      counters.ioErrors.increment();
    }
  }
}
