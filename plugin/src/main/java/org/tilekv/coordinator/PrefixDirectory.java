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
package org.tilekv.coordinator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which executors say that they hold a tile: an index with bounded memory, never the truth. What it
 * forgets or confuses costs a hint. Guarded by the coordinator's lock.
 *
 * <p>Holders are tickets, not executors: a session or a full heartbeat draws a new ticket and
 * retires the old one, which forgets all its tiles at once; entries are cleaned when next touched.
 *
 * <pre>
 * buckets: hash of the name -> entry -> next entry -> ...   entry = (name, ticket), 20 bytes
 * entries: a ring; a hand goes round and gives out the next entry that is free or may go
 * </pre>
 *
 * When the ring is nearly full, the hand takes the entry published longest ago, once more sparing
 * those that were published again since it last passed.
 */
final class PrefixDirectory {

  /** Pairs of tile and holder that are remembered. */
  static final int MAX_ENTRIES = 1 << 20;

  /** Holders of one tile that are remembered: the latest. */
  static final int MAX_HOLDERS = 64;

  private static final int FIRST_CAPACITY = 1 << 10;
  private static final int NONE = -1;

  private final int maxEntries;
  private final DirectoryTickets tickets = new DirectoryTickets();
  // Entry e: the name at 2 e, behind it the ticket in the upper half and the next entry below.
  private long[] entries;
  private int[] buckets;
  private final BitSet publishedAgain = new BitSet();
  private int hand;
  private int live;

  /**
   * An empty directory.
   *
   * @param maxEntries most pairs of tile and holder, a power of two
   */
  PrefixDirectory(int maxEntries) {
    this.maxEntries = maxEntries;
    int capacity = Math.min(FIRST_CAPACITY, maxEntries);
    entries = new long[2 * capacity];
    buckets = new int[capacity];
    Arrays.fill(buckets, NONE);
  }

  int newTicket(String executorId) {
    return tickets.draw(executorId);
  }

  void retire(int ticket) {
    live -= tickets.retire(ticket);
  }

  void publish(int ticket, TileNames tiles) {
    for (int i = 0; i < tiles.size(); i++) {
      publish(ticket, tiles.get(i));
    }
  }

  private void publish(int ticket, long name) {
    int entry = remove(name, ticket, MAX_HOLDERS - 1);
    boolean again = entry != NONE;
    if (!again) {
      entry = takeEntry();
      entries[2 * entry] = name;
      setTicket(entry, ticket);
      tickets.entryAdded(ticket);
      live++;
    }
    publishedAgain.set(entry, again);
    int bucket = bucket(name);
    setNext(entry, buckets[bucket]);
    buckets[bucket] = entry;
  }

  private long name(int entry) {
    return entries[2 * entry];
  }

  private int ticket(int entry) {
    return (int) (entries[2 * entry + 1] >>> Integer.SIZE);
  }

  private void setTicket(int entry, int ticket) {
    entries[2 * entry + 1] = (long) ticket << Integer.SIZE | next(entry) & 0xFFFFFFFFL;
  }

  private int next(int entry) {
    return (int) entries[2 * entry + 1];
  }

  private void setNext(int entry, int next) {
    entries[2 * entry + 1] = (long) ticket(entry) << Integer.SIZE | next & 0xFFFFFFFFL;
  }

  private int capacity() {
    return buckets.length;
  }

  void drop(int ticket, TileNames tiles) {
    for (int i = 0; i < tiles.size(); i++) {
      int entry = remove(tiles.get(i), ticket, MAX_HOLDERS);
      if (entry != NONE) {
        free(entry);
      }
    }
  }

  /**
   * Takes the pair out of its chain, and on the way cleans entries of the name that name nobody or
   * are too many.
   *
   * @return the pair's entry, still with its ticket, or {@link #NONE}
   */
  private int remove(long name, int ticket, int mostOthers) {
    int bucket = bucket(name);
    int found = NONE;
    int others = 0;
    int before = NONE;
    for (int entry = buckets[bucket]; entry != NONE; entry = next(entry)) {
      boolean mine = name(entry) == name && ticket(entry) == ticket;
      boolean keep = name(entry) != name || !mine && tickets.live(ticket(entry));
      if (keep && name(entry) == name && ++others > mostOthers) {
        keep = false;
      }
      if (keep) {
        before = entry;
        continue;
      }
      link(bucket, before, next(entry));
      if (mine) {
        found = entry;
      } else {
        free(entry);
      }
    }
    return found;
  }

  private void link(int bucket, int before, int entry) {
    if (before == NONE) {
      buckets[bucket] = entry;
    } else {
      setNext(before, entry);
    }
  }

  /** Marks an entry that is in no chain as free. */
  private void free(int entry) {
    int ticket = ticket(entry);
    live -= tickets.live(ticket) ? 1 : 0;
    tickets.entryRemoved(ticket);
    setTicket(entry, DirectoryTickets.NONE);
  }

  private void unlink(int entry) {
    int bucket = bucket(name(entry));
    int before = NONE;
    for (int at = buckets[bucket]; at != entry; at = next(at)) {
      before = at;
    }
    link(bucket, before, next(entry));
    free(entry);
  }

  /** A free entry: one that is, or names nobody, or must go. */
  private int takeEntry() {
    if (live >= capacity() / 4 * 3 && capacity() < maxEntries) {
      grow();
    }
    boolean full = live >= capacity() / 4 * 3;
    while (true) {
      int entry = hand;
      hand = (hand + 1) & (capacity() - 1);
      if (ticket(entry) == DirectoryTickets.NONE) {
        return entry;
      }
      boolean spared = tickets.live(ticket(entry)) && (!full || publishedAgain.get(entry));
      publishedAgain.clear(entry);
      if (!spared) {
        unlink(entry);
        return entry;
      }
    }
  }

  private void grow() {
    int capacity = capacity();
    entries = Arrays.copyOf(entries, 4 * capacity);
    buckets = new int[2 * capacity];
    Arrays.fill(buckets, NONE);
    rebuildChains(capacity);
    hand = capacity;
  }

  /** In rising order, so that later entries come first: nearly the order of publication. */
  private void rebuildChains(int count) {
    for (int entry = 0; entry < count; entry++) {
      if (ticket(entry) != DirectoryTickets.NONE) {
        int bucket = bucket(name(entry));
        setNext(entry, buckets[bucket]);
        buckets[bucket] = entry;
      }
    }
  }

  private int bucket(long name) {
    return (int) (Rendezvous.mix(name) & (buckets.length - 1));
  }

  /** Executors that hold the tile, the latest to publish it last. */
  List<String> holders(long name) {
    List<String> executors = new ArrayList<>();
    for (int entry = buckets[bucket(name)]; entry != NONE; entry = next(entry)) {
      @Nullable String executor = name(entry) == name ? tickets.executor(ticket(entry)) : null;
      if (executor != null) {
        executors.add(executor);
      }
    }
    Collections.reverse(executors);
    return executors;
  }

  /** Executors that hold leading tiles of a work item, and how many each. */
  Map<String, Integer> leadingTiles(WorkItem item) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    boolean more = true;
    for (int i = 0; i < item.tiles() && more; i++) {
      more = false;
      for (String executor : holders(item.tile(i))) {
        if (counts.getOrDefault(executor, 0) == i) {
          counts.put(executor, i + 1);
          more = true;
        }
      }
    }
    return counts;
  }

  /** Pairs of tile and holder. */
  int size() {
    return live;
  }
}
