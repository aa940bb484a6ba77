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
import java.util.HashMap;
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
 */
final class PrefixDirectory {

  /** Tiles remembered; the one published longest ago goes first. About 100 bytes each. */
  static final int MAX_TILES = 1 << 18;

  private final int maxTiles;
  private final Map<Integer, String> executorByTicket = new HashMap<>();
  private final LinkedHashMap<Long, int[]> holdersByTile = new LinkedHashMap<>();
  private int lastTicket;

  PrefixDirectory(int maxTiles) {
    this.maxTiles = maxTiles;
  }

  int newTicket(String executorId) {
    executorByTicket.put(++lastTicket, executorId);
    return lastTicket;
  }

  void retire(int ticket) {
    executorByTicket.remove(ticket);
  }

  void publish(int ticket, TileNames names) {
    for (int i = 0; i < names.size(); i++) {
      int[] holders = live(holdersByTile.remove(names.get(i)));
      holdersByTile.put(names.get(i), with(ticket, holders));
    }
    var oldest = holdersByTile.entrySet().iterator();
    while (holdersByTile.size() > maxTiles) {
      oldest.next();
      oldest.remove();
    }
  }

  void drop(int ticket, TileNames names) {
    for (int i = 0; i < names.size(); i++) {
      holdersByTile.computeIfPresent(
          names.get(i),
          (name, holders) -> {
            int[] left = Arrays.stream(live(holders)).filter(t -> t != ticket).toArray();
            return left.length == 0 ? null : left;
          });
    }
  }

  /** Executors that hold the tile, the latest to publish it last. */
  List<String> holders(long name) {
    List<String> executors = new ArrayList<>();
    for (int ticket : live(holdersByTile.get(name))) {
      executors.add(String.valueOf(executorByTicket.get(ticket)));
    }
    return executors;
  }

  int size() {
    return holdersByTile.size();
  }

  /** The tickets that are not retired. */
  private int[] live(int @Nullable [] holders) {
    return holders == null
        ? new int[0]
        : Arrays.stream(holders).filter(executorByTicket::containsKey).toArray();
  }

  private static int[] with(int ticket, int[] holders) {
    int[] others = Arrays.stream(holders).filter(holder -> holder != ticket).toArray();
    int[] all = Arrays.copyOf(others, others.length + 1);
    all[others.length] = ticket;
    return all;
  }
}
