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
package org.tilekv.attention;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.tilekv.page.PageTable;

/**
 * The prefixes that rows of a decode step read together, kept from step to step while the rows stay
 * the same. Used by one thread.
 */
final class SharedPrefixes {

  /** Work items of one KV head that a step can have. */
  static final int MAX_ITEMS = 256;

  private static final int MAX_PARTS = 16;
  private static final int INT4_BYTES = 4 * Integer.BYTES;

  private final PageTable table;
  private final PrefixCost cost;
  private final int maxPartRows;
  private List<SharedPrefix> groups = List.of();
  private int parts;
  private int[] rows = new int[0];

  /**
   * @param maxPartRows rows of partial results that there is room for: parts times rows of the step
   */
  SharedPrefixes(PageTable table, PrefixCost cost, int maxPartRows) {
    this.table = table;
    this.cost = cost;
    this.maxPartRows = maxPartRows;
  }

  /**
   * Looks for prefixes worth reading together, where the rows are not those of the last call.
   *
   * @param count the first segments, of one token each, that are looked at
   * @param rowRoom these, padding included
   * @return whether there are any
   */
  boolean find(Segments segments, int count, int rowRoom) {
    if (!holdsFor(segments, count)) {
      rows = new int[count];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = segments.row(i);
      }
      choose(new PrefixTree(table, cost, segments, count).groups(), rowRoom);
    }
    return !groups.isEmpty();
  }

  List<SharedPrefix> groups() {
    return groups;
  }

  /** Whether the rows, and the last page of every group, are those of the last choice. */
  private boolean holdsFor(Segments segments, int count) {
    if (count != rows.length) {
      return false;
    }
    for (int i = 0; i < rows.length; i++) {
      if (segments.row(i) != rows[i]) {
        return false;
      }
    }
    for (SharedPrefix group : groups) {
      for (int member : group.members()) {
        if (segments.start(member) < group.keys()
            || table.lookup(rows[member], 0, group.tiles() - 1) != group.lastPage()) {
          return false;
        }
      }
    }
    return true;
  }

  private void choose(List<SharedPrefix> found, int rowRoom) {
    groups = List.of();
    List<SharedPrefix> chosen = mostGain(found);
    int mostParts = Math.min(MAX_PARTS, maxPartRows / Math.max(1, rowRoom));
    double saved = chosen.stream().mapToDouble(g -> cost.saved(g.members().length, g.keys())).sum();
    double best = saved;
    for (int most = 1; most <= mostParts; most++) {
      double micros = micros(chosen, most);
      if (items(chosen, most) <= MAX_ITEMS && micros < best) {
        best = micros;
        parts = most;
        groups = chosen;
      }
    }
  }

  /** As many groups as there is room for, those that gain most. */
  private List<SharedPrefix> mostGain(List<SharedPrefix> found) {
    Comparator<SharedPrefix> gain =
        Comparator.comparingDouble(g -> -cost.gain(g.members().length, g.keys()));
    List<SharedPrefix> sorted = found.stream().sorted(gain).toList();
    int count = sorted.size();
    while (items(sorted.subList(0, count), 1) > MAX_ITEMS) {
      count--;
    }
    return sorted.subList(0, count);
  }

  /** Parts of a group where the longest prefix is cut into {@code most}. */
  private int parts(List<SharedPrefix> all, SharedPrefix group, int most) {
    int longest = all.stream().mapToInt(SharedPrefix::keys).max().orElse(1);
    int blocks = group.keys() / cost.blockKeys();
    return Math.max(1, Math.min(blocks, (int) Math.ceil((double) most * group.keys() / longest)));
  }

  private int items(List<SharedPrefix> all, int most) {
    int count = 0;
    for (SharedPrefix group : all) {
      count += cost.items(group.members().length) * parts(all, group, most);
    }
    return count / cost.geometry().kvHeads();
  }

  private double micros(List<SharedPrefix> all, int most) {
    double total = 0;
    double longest = 0;
    double merge = 0;
    for (SharedPrefix group : all) {
      int groupParts = parts(all, group, most);
      int blocks = group.keys() / cost.blockKeys();
      double item = cost.item((blocks + groupParts - 1) / groupParts);
      total += item * groupParts * cost.items(group.members().length);
      longest = Math.max(longest, item);
      merge += cost.merge(group.members().length, groupParts);
    }
    int items = items(all, most) * cost.geometry().kvHeads();
    return cost.launch(total, longest, items) + merge;
  }

  /** Writes, for each row of the step, where its own keys begin and how many parts it has. */
  void describe(int[] firstKeys, int[] prefixParts) {
    Arrays.fill(firstKeys, 0);
    Arrays.fill(prefixParts, 0);
    for (SharedPrefix group : groups) {
      for (int member : group.members()) {
        firstKeys[member] = group.keys();
        prefixParts[member] = parts(groups, group, parts);
      }
    }
  }

  /**
   * Writes the work list: the number of items at {@code at}, the items 16 bytes behind it, and the
   * members behind room for {@link #MAX_ITEMS}.
   */
  void write(Segments segments, ByteBuffer to, int at) {
    int items = 0;
    int firstMember = 0;
    for (SharedPrefix group : groups) {
      int groupParts = parts(groups, group, parts);
      int blocks = group.keys() / cost.blockKeys();
      int[] members = group.members();
      for (int part = 0; part < groupParts; part++) {
        int from = blocks * part / groupParts * cost.blockKeys();
        int end = blocks * (part + 1) / groupParts * cost.blockKeys();
        for (int i = 0; i < members.length; i += cost.itemTokens()) {
          int count = Math.min(cost.itemTokens(), members.length - i);
          int item = itemsAt(at) + 2 * INT4_BYTES * items++;
          put(to, item, segments.row(members[0]), from, end, part);
          put(to, item + INT4_BYTES, firstMember + i, count, 0, 0);
        }
      }
      for (int member : members) {
        to.putInt(membersAt(at) + Integer.BYTES * firstMember++, member);
      }
    }
    to.putInt(at, items);
  }

  static int itemsAt(int at) {
    return at + INT4_BYTES;
  }

  static int membersAt(int at) {
    return itemsAt(at) + 2 * INT4_BYTES * MAX_ITEMS;
  }

  /** Bytes that {@link #write} needs for steps of so many rows. */
  static int bytes(int rows) {
    return membersAt(0) + Integer.BYTES * rows;
  }

  private static void put(ByteBuffer to, int at, int x, int y, int z, int w) {
    to.putInt(at, x).putInt(at + 4, y).putInt(at + 8, z).putInt(at + 12, w);
  }
}
