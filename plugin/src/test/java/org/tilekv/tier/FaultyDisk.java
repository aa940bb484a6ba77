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

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.tilekv.TileGeometry;
import org.tilekv.config.DiskAdmission;

/**
 * A disk tier in memory, of which one call to the storage goes wrong; for other packages' tests.
 */
public final class FaultyDisk {

  /** Faults that a process survives. */
  public static final List<String> FAULTS =
      List.of("FAIL", "DELAY", "TRUNCATE", "FLIP", "REORDER", "FULL", "REMOVED", "DENIED");

  private static final int SEGMENT_GROUPS = 4;

  private final MemoryStorage files;
  private final FaultyStorage storage;
  private final AtomicLong nowMs = new AtomicLong();

  /**
   * @param faultyCall number of the call, from 1; 0 for none
   */
  public FaultyDisk(String fault, long faultyCall) {
    files = new MemoryStorage(nowMs::get);
    storage = new FaultyStorage(files, nowMs, faultyCall, StorageFault.valueOf(fault));
  }

  /** Opens the tier, as often as wanted: all see the same files. */
  public DiskTier open(TileGeometry geometry, byte[] namespace, int groups) {
    int groupBytes = geometry.kvHeads() * geometry.tileBytes();
    long slot = SegmentEntry.bytes(geometry.tileTokens()) + groupBytes + 2L * 4096;
    long segment =
        SegmentLayout.smallestFileBytes(groupBytes, geometry.tileTokens())
            + (SEGMENT_GROUPS - 1) * slot;
    DiskTierOptions options =
        DiskTierOptions.of(
                List.of(Path.of("/tiles")), groups * slot + (1 << 16), namespace, geometry)
            .withAdmission(DiskAdmission.ALWAYS);
    return DiskTier.open(options, segment, storage, nowMs::get);
  }

  /** Calls to the storage so far. */
  public long calls() {
    return storage.calls();
  }

  public int openFiles() {
    return files.openFiles();
  }
}
