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

/** The nodes of a tree in preorder, to be found by name. Immutable. */
final class PlanNodes {

  private final long[] names;
  private final int[] parents;
  private final int[] depths;
  private final LongIndex index;

  private PlanNodes(long[] names, int[] parents, int[] depths) {
    this.names = names;
    this.parents = parents;
    this.depths = depths;
    index = new LongIndex(names.length);
    for (int node = 0; node < names.length; node++) {
      index.putIfAbsent(names[node], node);
    }
  }

  static PlanNodes of(PrefixTree tree) {
    long[] names = new long[tree.size()];
    int[] parents = new int[tree.size()];
    int[] depths = new int[tree.size()];
    for (int node = 0; node < tree.size(); node++) {
      names[node] = tree.name(node);
      parents[node] = tree.parent(node);
      depths[node] = tree.depth(node);
    }
    return new PlanNodes(names, parents, depths);
  }

  int size() {
    return names.length;
  }

  int depth(int node) {
    return depths[node];
  }

  /** The deepest node on a path; the root where none is. */
  int deepest(long[] path) {
    for (int depth = path.length; depth > 0; depth--) {
      int node = index.get(path[depth - 1]);
      if (node > 0) {
        return node;
      }
    }
    return 0;
  }

  /** Names from below the root down to a node. */
  long[] path(int node) {
    int length = 0;
    for (int at = node; at > 0; at = parents[at]) {
      length++;
    }
    long[] path = new long[length];
    for (int at = node; at > 0; at = parents[at]) {
      path[--length] = names[at];
    }
    return path;
  }

  void write(NodeBytes out) {
    out.writeNumber(size());
    for (int node = 0; node < size(); node++) {
      out.writeName(names[node]);
      out.writeNumber(node - parents[node]);
      out.writeNumber(depths[node]);
    }
  }

  static PlanNodes read(NodeBytes in) {
    int size = in.readInt();
    long[] names = new long[size];
    int[] parents = new int[size];
    int[] depths = new int[size];
    for (int node = 0; node < size; node++) {
      names[node] = in.readName();
      parents[node] = node - in.readInt();
      depths[node] = in.readInt();
    }
    return new PlanNodes(names, parents, depths);
  }
}
