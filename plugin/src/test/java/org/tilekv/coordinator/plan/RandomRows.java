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
package org.tilekv.coordinator.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Rows as paths of names over a random tree of headers, and what they share by brute force. */
final class RandomRows {

  static final int TILE = 16;

  /** One row; names are a function of all names before. */
  record PathRow(int id, long[] path, int tokens) {}

  final List<PathRow> rows = new ArrayList<>();
  final Map<Long, Integer> rowsByName = new HashMap<>();

  /** Rows of a tile. */
  int rows(long name) {
    return rowsByName.getOrDefault(name, 0);
  }

  RandomRows(Random random, int count) {
    List<int[]> headers = new ArrayList<>();
    headers.add(new int[0]);
    int templates = 1 + random.nextInt(12);
    for (int i = 0; i < templates; i++) {
      int[] base = headers.get(random.nextInt(headers.size()));
      headers.add(extend(random, base, 1 + random.nextInt(9), 3));
    }
    for (int i = 0; i < count; i++) {
      int[] header =
          headers.get((int) (headers.size() * random.nextDouble() * random.nextDouble()));
      add(extend(random, header, random.nextInt(4), random.nextInt(3) == 0 ? 3 : 1000), random);
    }
    for (PathRow row : rows) {
      for (long name : row.path) {
        rowsByName.merge(name, 1, Integer::sum);
      }
    }
  }

  private static int[] extend(Random random, int[] base, int more, int alphabet) {
    int[] longer = java.util.Arrays.copyOf(base, base.length + more);
    for (int i = base.length; i < longer.length; i++) {
      longer[i] = random.nextInt(alphabet);
    }
    return longer;
  }

  private void add(int[] tiles, Random random) {
    rows.add(new PathRow(rows.size(), path(tiles), TILE * tiles.length + 1 + random.nextInt(TILE)));
  }

  static long[] path(int... tiles) {
    long[] path = new long[tiles.length];
    long name = 0x1234567;
    for (int i = 0; i < tiles.length; i++) {
      name = (name ^ tiles[i]) * 0x9E3779B97F4A7C15L + 1;
      name ^= name >>> 29;
      path[i] = name;
    }
    return path;
  }

  /** Tiles of a row that another row has, too. */
  int sharedDepth(PathRow row) {
    int depth = 0;
    while (depth < row.path.length && rows(row.path[depth]) > 1) {
      depth++;
    }
    return depth;
  }

  /** Names that two rows and more have. */
  long sharedNames() {
    return rowsByName.values().stream().filter(n -> n > 1).count();
  }

  /** The nodes of all rows, counted in so many partitions after a shuffle. */
  NodeTable count(Random random, int partitions, int exactNames) {
    List<PathRow> shuffled = new ArrayList<>(rows);
    Collections.shuffle(shuffled, random);
    int buckets = 1 + random.nextInt(3);
    NodeTable[] tables = new NodeTable[buckets];
    java.util.Arrays.setAll(tables, i -> new NodeTable());
    for (int p = 0; p < partitions; p++) {
      PathCounter counter = new PathCounter(buckets, 30 + random.nextInt(1000), exactNames);
      for (int i = p; i < shuffled.size(); i += partitions) {
        counter.add(shuffled.get(i).path, shuffled.get(i).tokens);
      }
      byte[][] nodes = counter.finish();
      for (int b = 0; b < buckets; b++) {
        tables[b].addAll(nodes[b]);
      }
    }
    NodeTable merged = new NodeTable();
    for (NodeTable table : tables) {
      merged.addAll(table.encodeShared(1 << 20));
    }
    return merged;
  }
}
