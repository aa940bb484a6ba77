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

import java.util.Comparator;
import org.jspecify.annotations.Nullable;
import org.tilekv.prefix.TileGroup;

/** What {@link PlanPolicy} keeps of a named group: one object as long as the group lives. */
final class PlannedGroup implements TileGroup.PolicyEntry {

  static final Comparator<PlannedGroup> LEAST_RECENT_FIRST =
      Comparator.comparingLong(group -> group.releasedAt);

  static final Comparator<PlannedGroup> NEAREST_FIRST =
      Comparator.<PlannedGroup>comparingInt(group -> group.position)
          .thenComparing(LEAST_RECENT_FIRST.reversed());

  private static final TileGroup NO_GROUP = new TileGroup(new int[0]);

  final TileGroup group;
  final long name;

  /** Order of the releases by last users. */
  long releasedAt;

  /** Whether it is in an order: it can be dropped, and no resident group continues it. */
  boolean ordered;

  /** Whose set it is in; null where no plan is known to need it. */
  @Nullable PlanFuture future;

  /** Position of its next use in that future. */
  int position;

  PlannedGroup(TileGroup group, long name) {
    this.group = group;
    this.name = name;
  }

  /** Stands before all groups of a next use, to search for them. */
  static PlannedGroup before(int position) {
    PlannedGroup bound = new PlannedGroup(NO_GROUP, 0);
    bound.position = position;
    bound.releasedAt = Long.MAX_VALUE;
    return bound;
  }
}
