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

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.tilekv.EvictionReason;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;

/**
 * First what no open plan needs, the least recently used of it first; then what is needed furthest
 * away. Without a plan this is {@link LruPolicy}'s order.
 *
 * <p>Only groups that no resident group continues are in order: others cannot be dropped. One that
 * several plans need is in the set of one of them, by its next use there. That distance is never
 * below the true one, the least over all plans: a plan that comes further only makes it smaller,
 * but where a use is passed, and then the passed ones are ordered anew. So the furthest of all sets
 * is checked against the other plans before it is dropped, and moved to the one that needs it
 * first. Groups that a new plan needs leave the others in the same way, when they come to the
 * front.
 *
 * <p>Costs: O(log groups) in each call, and a search in each open plan per group that is ordered.
 */
final class PlanPolicy implements EvictionPolicy {

  private final List<PlanFuture> futures = new ArrayList<>();
  private final NavigableSet<PlannedGroup> others = new TreeSet<>(PlannedGroup.LEAST_RECENT_FIRST);
  private long releases;
  private int size;

  @Override
  public void add(TileGroup group) {
    PlannedGroup entry = entryOf(group);
    entry.releasedAt = releases++;
    size++;
    if (!group.hasChildren()) {
      order(entry);
    }
  }

  @Override
  public void remove(TileGroup group) {
    size--;
    takeOut(entryOf(group));
  }

  @Override
  public void exposed(TileGroup group) {
    if (group.named() && group.references() == 0 && !group.hasChildren()) {
      order(entryOf(group));
    }
  }

  private static PlannedGroup entryOf(TileGroup group) {
    if (group.policyEntry instanceof PlannedGroup entry) {
      return entry;
    }
    TileName name = group.name();
    if (name == null) {
      throw new IllegalArgumentException("a private tile group is in no order of eviction");
    }
    PlannedGroup entry = new PlannedGroup(group, name.chain().shortName());
    group.policyEntry = entry;
    return entry;
  }

  /** Puts a group into the set of the plan that needs it first, or among the others. */
  private void order(PlannedGroup entry) {
    entry.future = firstUser(entry.name);
    if (entry.future == null) {
      others.add(entry);
    } else {
      entry.position = entry.future.nextUse(entry.name);
      entry.future.needed.add(entry);
    }
    entry.ordered = true;
  }

  private void takeOut(PlannedGroup entry) {
    if (entry.ordered) {
      setOf(entry).remove(entry);
      entry.ordered = false;
      entry.future = null;
    }
  }

  private NavigableSet<PlannedGroup> setOf(PlannedGroup entry) {
    return entry.future == null ? others : entry.future.needed;
  }

  private @Nullable PlanFuture firstUser(long name) {
    PlanFuture first = null;
    double least = Double.POSITIVE_INFINITY;
    for (PlanFuture future : futures) {
      int position = future.nextUse(name);
      if (position >= 0 && future.distance(position) < least) {
        least = future.distance(position);
        first = future;
      }
    }
    return first;
  }

  @Override
  public @Nullable TileGroup victim() {
    PlannedGroup entry = candidate();
    while (entry != null && !isVictim(entry)) {
      entry = candidate();
    }
    return entry == null ? null : entry.group;
  }

  private @Nullable PlannedGroup candidate() {
    return others.isEmpty() ? furthest() : others.first();
  }

  private @Nullable PlannedGroup furthest() {
    PlannedGroup furthest = null;
    double most = Double.NEGATIVE_INFINITY;
    for (PlanFuture future : futures) {
      PlannedGroup last = future.needed.isEmpty() ? null : future.needed.last();
      if (last != null && future.distance(last.position) > most) {
        most = future.distance(last.position);
        furthest = last;
      }
    }
    return furthest;
  }

  /** Whether a group stands where it should; puts it there otherwise. */
  private boolean isVictim(PlannedGroup entry) {
    if (entry.group.hasChildren()) {
      takeOut(entry);
      return false;
    }
    boolean inPlace = firstUser(entry.name) == entry.future;
    if (!inPlace) {
      reorder(entry);
    }
    return inPlace;
  }

  @Override
  public EvictionReason reason(TileGroup victim) {
    if (entryOf(victim).future != null) {
      return EvictionReason.FURTHEST_USE;
    }
    return futures.isEmpty() ? EvictionReason.LEAST_RECENT : EvictionReason.NOT_NEEDED;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void open(PlanFuture future) {
    futures.add(future);
    futures.forEach(each -> each.opened(each == future, futures.size()));
  }

  @Override
  public void reached(PlanFuture future, int position) {
    future.reach(position);
    while (!future.needed.isEmpty() && future.needed.first().position < future.reached()) {
      reorder(future.needed.first());
    }
  }

  @Override
  public void promptHeld(TileGroup last) {
    long name = entryOf(last).name;
    PlanFuture first = firstUser(name);
    if (first != null) {
      int position = first.nextUse(name);
      first.hold(position);
      reorderAt(first, position);
      futures.forEach(future -> future.begun(future == first));
    }
  }

  /** The row's sequence uses all tiles of the row, but where the plan is wrong. */
  private void reorderAt(PlanFuture future, int position) {
    PlannedGroup entry = future.firstAt(position);
    while (entry != null) {
      reorder(entry);
      entry = future.firstAt(position);
    }
  }

  @Override
  public void close(PlanFuture future) {
    futures.remove(future);
    while (!future.needed.isEmpty()) {
      reorder(future.needed.first());
    }
  }

  private void reorder(PlannedGroup entry) {
    takeOut(entry);
    order(entry);
  }

  @Override
  public void checkIntegrity(Collection<TileGroup> unused) {
    int ordered = others.size();
    for (PlanFuture future : futures) {
      ordered += future.needed.size();
    }
    int leaves = 0;
    for (TileGroup group : unused) {
      PlannedGroup entry = entryOf(group);
      leaves += entry.ordered ? 1 : 0;
      if (entry.ordered ? !setOf(entry).contains(entry) : !group.hasChildren()) {
        throw new IllegalStateException("tile " + group.name() + " is not in order of eviction");
      }
    }
    if (leaves != ordered) {
      throw new IllegalStateException(
          ordered + " tiles are in order of eviction; " + leaves + " of them are unused");
    }
  }
}
