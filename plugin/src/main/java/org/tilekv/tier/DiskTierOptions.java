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
import org.tilekv.TileGeometry;
import org.tilekv.config.DiskAdmission;

/**
 * What a {@link DiskTier} is made of.
 *
 * @param directories where to keep files; each tier takes a subdirectory of its own in each. They
 *     are made where they do not exist
 * @param capBytesPerDirectory most bytes of files in each directory
 * @param namespace 32 bytes that name what the groups belong to
 * @param geometry shape of one tile
 * @param firstHead first KV head of a group
 * @param heads KV heads of a group
 * @param admission which groups are written
 * @param sweepIdleMs age at which files that no process uses any more are deleted
 * @param slowMs time after which one read or write counts as failed
 */
public record DiskTierOptions(
    List<Path> directories,
    long capBytesPerDirectory,
    byte[] namespace,
    TileGeometry geometry,
    int firstHead,
    int heads,
    DiskAdmission admission,
    long sweepIdleMs,
    long slowMs) {

  private static final long DAY_MS = 24 * 3_600_000L;
  private static final long SLOW_MS = 5_000;

  public DiskTierOptions {
    directories = List.copyOf(directories);
    Namespaces.require(namespace);
    namespace = namespace.clone();
    require(capBytesPerDirectory >= 0, "capBytesPerDirectory", capBytesPerDirectory, "0 or more");
    require(firstHead >= 0 && firstHead < geometry.kvHeads(), "firstHead", firstHead, "a KV head");
    int most = geometry.kvHeads() - firstHead;
    require(heads >= 1 && heads <= most, "heads", heads, "1 to " + most);
    require(sweepIdleMs >= 0, "sweepIdleMs", sweepIdleMs, "0 or more");
    require(slowMs >= 1, "slowMs", slowMs, "1 or more");
    Math.multiplyExact(heads, geometry.tileBytes());
  }

  /** Groups of all heads, adaptive admission, idle files swept after a day, slow from 5 s on. */
  public static DiskTierOptions of(
      List<Path> directories, long capBytesPerDirectory, byte[] namespace, TileGeometry geometry) {
    return new DiskTierOptions(
        directories,
        capBytesPerDirectory,
        namespace,
        geometry,
        0,
        geometry.kvHeads(),
        DiskAdmission.ADAPTIVE,
        DAY_MS,
        SLOW_MS);
  }

  /** The same with another admission. */
  public DiskTierOptions withAdmission(DiskAdmission other) {
    return new DiskTierOptions(
        directories,
        capBytesPerDirectory,
        namespace,
        geometry,
        firstHead,
        heads,
        other,
        sweepIdleMs,
        slowMs);
  }

  /** The same with another age of idle files. */
  public DiskTierOptions withSweepIdleMs(long idleMs) {
    return new DiskTierOptions(
        directories,
        capBytesPerDirectory,
        namespace,
        geometry,
        firstHead,
        heads,
        admission,
        idleMs,
        slowMs);
  }

  int groupBytes() {
    return heads * geometry.tileBytes();
  }

  private static void require(boolean holds, String name, long found, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException(
          "disk tier: " + name + " is " + found + "; allowed is " + allowed);
    }
  }
}
