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

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.config.DiskAdmission;

/** Small groups for tests: group {@code i} has bytes of its own. */
final class Groups {
  static final TileGeometry GEOMETRY = Tiles.geometry(KvDtype.INT8);
  static final int BYTES = GEOMETRY.kvHeads() * GEOMETRY.tileBytes();

  private Groups() {}

  private static final Map<Integer, GroupMeta> METAS = new ConcurrentHashMap<>();
  private static final Map<Integer, byte[]> CONTENTS = new ConcurrentHashMap<>();

  static GroupKey key(int i) {
    return meta(i).key();
  }

  static GroupMeta meta(int i) {
    return METAS.computeIfAbsent(i, Groups::newMeta);
  }

  private static GroupMeta newMeta(int i) {
    return new GroupMeta(Tiles.bytes(32, 1000 + i), Tiles.bytes(32, 999 + i), new int[] {i, -i});
  }

  static ByteBuffer bytes(int i) {
    return ByteBuffer.wrap(CONTENTS.computeIfAbsent(i, seed -> Tiles.bytes(BYTES, seed)));
  }

  static boolean put(LowerTier tier, int i) {
    return tier.put(meta(i), bytes(i));
  }

  /** Reads a group; fails unless it is a miss or exactly group {@code i}. */
  static boolean get(LowerTier tier, int i) {
    ByteBuffer dst = ByteBuffer.allocate(BYTES);
    GroupMeta meta = tier.get(key(i), dst);
    if (meta != null) {
      assertThat(meta).isEqualTo(meta(i));
      assertThat(meta.tokens()).isEqualTo(meta(i).tokens());
      assertThat(dst.array()).as("group %d", i).isEqualTo(bytes(i).array());
    }
    return meta != null;
  }

  /** Peeks at a group; fails unless it is a miss or exactly group {@code i}. */
  static boolean peek(LowerTier tier, int i) {
    ByteBuffer dst = ByteBuffer.allocate(BYTES);
    GroupMeta meta = tier.peek(key(i), dst);
    if (meta != null) {
      assertThat(meta).isEqualTo(meta(i));
      assertThat(dst.array()).as("group %d", i).isEqualTo(bytes(i).array());
    }
    return meta != null;
  }

  /** Of groups 0 to {@code groups - 1}, those that are there are listed and described. */
  static void checkKeys(LowerTier tier, int groups, String what) {
    Set<GroupKey> keys = new HashSet<>(tier.keys());
    for (int i = 0; i < groups; i++) {
      boolean there = tier.contains(key(i));
      assertThat(keys.remove(key(i))).as("%s, group %d", what, i).isEqualTo(there);
      assertThat(peek(tier, i)).as("%s, group %d", what, i).isEqualTo(there);
      assertThat(tier.describe(key(i)))
          .as("%s, group %d", what, i)
          .isEqualTo(there ? meta(i) : null);
    }
    assertThat(keys).as(what).isEmpty();
  }

  /** Everything is let in; files of others are swept at once. */
  static DiskTierOptions options(long capBytes, Path... directories) {
    return DiskTierOptions.of(List.of(directories), capBytes, Tiles.NAMESPACE, GEOMETRY)
        .withAdmission(DiskAdmission.ALWAYS)
        .withSweepIdleMs(0);
  }

  /** A cap that segments of four groups fit in, {@code groups} in all. */
  static long cap(int groups) {
    return groups / 4 * segmentBytes(4)
        + 2 * OrderFile.bytes(2 * groups + 8)
        + SegmentLayout.BLOCK_BYTES;
  }

  /** A segment that {@code groups} groups fit in. */
  static long segmentBytes(int groups) {
    return SegmentLayout.smallestFileBytes(BYTES, GEOMETRY.tileTokens())
        + (groups - 1L) * (SegmentEntry.bytes(GEOMETRY.tileTokens()) + SegmentLayout.BLOCK_BYTES);
  }
}
