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

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.EvictionReason;
import org.tilekv.page.PagePool;
import org.tilekv.page.PageTable;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.NamedTile;
import org.tilekv.prefix.PrefixIndex;
import org.tilekv.prefix.TileGroup;
import org.tilekv.prefix.TileName;
import org.tilekv.tier.Reuse;

/**
 * The bookkeeping of a cache: which pages are free, which groups are in use, which can be dropped.
 * Every method is called under the cache's lock; no method touches bytes.
 */
final class TileStore {

  private static final int REMEMBERED_NAMES = 1 << 16;
  // What a tile that one row has written and nobody else has read is used.
  private static final float ONE_USE = 1;

  final PagePool pool;
  final PageTable table;
  final PrefixIndex index = new PrefixIndex(REMEMBERED_NAMES);
  final CacheCounters counters = new CacheCounters();
  private final EvictionPolicy policy;
  private final Deque<Integer> freeRows = new ArrayDeque<>();
  private final int heads;
  private @Nullable TileListener listener;
  private long uses;
  private boolean savesEvicted;

  TileStore(TileCacheOptions options) {
    policy = EvictionPolicy.of(options.eviction());
    heads = options.geometry().kvHeads();
    pool = new PagePool(options.pages());
    table = new PageTable(options.rows(), heads, options.maxTiles());
    for (int row = 0; row < options.rows(); row++) {
      freeRows.add(row);
    }
  }

  EvictionPolicy policy() {
    return policy;
  }

  int heads() {
    return heads;
  }

  int freeRows() {
    return freeRows.size();
  }

  /** A row of the page table; the caller has checked that there is one. */
  int takeRow() {
    return freeRows.removeFirst();
  }

  /** Pages that are free or could be made so. */
  int availablePages() {
    return pool.freePages() + droppablePages();
  }

  int droppablePages() {
    return policy.size() * heads;
  }

  /** Whether tiles that make room are handed to who takes their pages, to be saved. */
  void saveEvicted(boolean saves) {
    savesEvicted = saves;
  }

  /**
   * New private groups, none of them referenced yet, or null and nothing changed where there is no
   * room.
   *
   * @param evicted gets the tiles that made room and are to be saved, outside the lock and before
   *     the new groups are written
   */
  @Nullable List<TileGroup> allocate(int groups, List<EvictedTile> evicted) {
    if ((long) groups * heads > availablePages()) {
      return null;
    }
    List<TileGroup> allocated = new ArrayList<>(groups);
    for (int i = 0; i < groups; i++) {
      int[] pages = pool.acquire(heads);
      allocated.add(new TileGroup(pages == null ? evict(evicted) : pages));
    }
    return allocated;
  }

  /** Pages of the next victim, which is dropped. */
  private int[] evict(List<EvictedTile> evicted) {
    TileGroup victim = policy.victim();
    if (victim == null) {
      throw new IllegalStateException(policy.size() + " tiles can be dropped, but none is one");
    }
    NamedTile tile = savesEvicted ? victim.describe() : null;
    if (tile != null) {
      evicted.add(new EvictedTile(tile, victim.pages(), reuseOf(victim)));
    }
    drop(victim);
    return victim.pages();
  }

  private Reuse reuseOf(TileGroup victim) {
    if (victim.expected() || policy.reason(victim) == EvictionReason.FURTHEST_USE) {
      return Reuse.PLANNED;
    }
    return victim.heatAt(uses) > ONE_USE ? Reuse.REUSED : Reuse.UNKNOWN;
  }

  /** Drops one group and frees its pages; false where none can be. */
  boolean dropVictim() {
    TileGroup victim = policy.victim();
    if (victim == null) {
      return false;
    }
    drop(victim);
    pool.release(victim.pages());
    return true;
  }

  private void drop(TileGroup victim) {
    TileGroup parent = victim.parent();
    counters.evicted(policy.reason(victim));
    policy.remove(victim);
    TileName name = victim.name();
    index.drop(victim);
    if (listener != null && name != null) {
      listener.dropped(name.chain());
    }
    if (parent != null) {
      policy.exposed(parent);
    }
  }

  /** Tells the listener of all named tiles, and of every change from now on. */
  void listen(TileListener to) {
    listener = to;
    index.describeAll().forEach(tile -> to.published(tile.name()));
  }

  /** As {@link TileCache#hottestTiles}. */
  List<NamedTile> hottest(int most) {
    return HottestTiles.of(index, uses, most);
  }

  /** Counts a tile that was named for reuse. */
  void published(ChainHash name) {
    counters.publishedTiles++;
    if (listener != null) {
      listener.published(name);
    }
  }

  /** Keeps a group while it is copied from. */
  void retain(TileGroup group) {
    group.used(++uses);
    if (group.retain()) {
      counters.pinned(heads);
      if (group.named()) {
        policy.remove(group);
      }
    }
  }

  /** Undoes {@link #retain}; a private group that nobody uses is given back. */
  void release(TileGroup group) {
    if (!group.release()) {
      return;
    }
    counters.pinned(-heads);
    if (group.named()) {
      policy.add(group);
    } else {
      pool.release(group.pages());
    }
  }

  /** Appends a group to a row. */
  void append(BeamState beam, TileGroup group) {
    retain(group);
    point(beam, beam.groups.size(), group);
    beam.groups.add(group);
    counters.referenced(heads);
  }

  /** Puts another group in the place of a row's group. */
  void replace(BeamState beam, int tile, TileGroup group) {
    retain(group);
    point(beam, tile, group);
    release(beam.groups.set(tile, group));
  }

  private void point(BeamState beam, int tile, TileGroup group) {
    for (int head = 0; head < heads; head++) {
      table.assign(beam.row, head, tile, group.pages()[head]);
    }
  }

  /**
   * Points a row to other groups; those the row had before are released after the new ones are
   * retained.
   */
  void repoint(BeamState beam, List<TileGroup> groups) {
    groups.forEach(this::retain);
    List<TileGroup> before = List.copyOf(beam.groups);
    for (int tile = 0; tile < groups.size(); tile++) {
      if (tile >= before.size() || before.get(tile) != groups.get(tile)) {
        point(beam, tile, groups.get(tile));
      }
    }
    for (int tile = groups.size(); tile < before.size(); tile++) {
      unpoint(beam, tile);
    }
    counters.referenced((groups.size() - before.size()) * heads);
    beam.groups.clear();
    beam.groups.addAll(groups);
    releaseTailFirst(before);
  }

  private void unpoint(BeamState beam, int tile) {
    for (int head = 0; head < heads; head++) {
      table.remove(beam.row, head, tile);
    }
  }

  /** Takes a beam's row and pages back. */
  void close(BeamState beam) {
    for (int tile = 0; tile < beam.groups.size(); tile++) {
      unpoint(beam, tile);
    }
    counters.referenced(-beam.groups.size() * heads);
    releaseTailFirst(beam.groups);
    beam.groups.clear();
    freeRows.addFirst(beam.row);
  }

  private void releaseTailFirst(List<TileGroup> groups) {
    for (int tile = groups.size() - 1; tile >= 0; tile--) {
      release(groups.get(tile));
    }
  }
}
