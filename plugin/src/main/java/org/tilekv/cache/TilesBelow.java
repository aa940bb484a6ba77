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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.tilekv.tier.GroupKey;
import org.tilekv.tier.GroupMeta;
import org.tilekv.tier.LowerTier;
import org.tilekv.tier.SnapshotWriter;

/** The tiles of a lower tier by what they continue, for a snapshot. Used by one thread. */
final class TilesBelow {

  private final LowerTier tier;
  private final Map<GroupKey, List<GroupKey>> continuing = new HashMap<>();

  /** Of those tiles that are wanted; some 200 bytes each. */
  TilesBelow(LowerTier tier, Predicate<GroupKey> wanted) {
    this.tier = tier;
    for (GroupKey key : tier.keys()) {
      GroupMeta meta = wanted.test(key) ? tier.describe(key) : null;
      if (meta != null) {
        GroupKey parent = GroupKey.of(meta.parentHash());
        continuing.computeIfAbsent(parent, p -> new ArrayList<>(1)).add(key);
      }
    }
  }

  /**
   * Writes what continues known tiles, and what continues that, parents first. What continues
   * nothing known, and what is gone by now, is left out.
   *
   * @param known names of tiles that are written, and of roots
   */
  void write(Collection<GroupKey> known, SnapshotWriter out) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(tier.groupBytes());
    Set<GroupKey> written = new HashSet<>(known);
    Deque<GroupKey> parents = new ArrayDeque<>(known);
    for (GroupKey parent = parents.poll(); parent != null; parent = parents.poll()) {
      for (GroupKey key : continuing.getOrDefault(parent, List.of())) {
        GroupMeta meta = written.add(key) ? tier.peek(key, bytes.clear()) : null;
        if (meta != null) {
          out.add(meta, bytes.clear());
          parents.add(key);
        }
      }
    }
  }
}
