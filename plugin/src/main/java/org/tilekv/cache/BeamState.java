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
import java.util.List;
import org.tilekv.prefix.TileGroup;

/** One row of the page table and the groups it points to. Confined to the cache's lock. */
final class BeamState {

  final int row;
  final List<TileGroup> groups = new ArrayList<>();
  int length;
  // Tokens of the last, partly filled tile.
  int[] tail;

  BeamState(int row, int tileTokens) {
    this.row = row;
    this.tail = new int[tileTokens];
  }

  /** What another beam becomes when it continues this one. */
  Snapshot snapshot() {
    return new Snapshot(List.copyOf(groups), length, tail.clone());
  }

  /** State of a beam without its row. */
  record Snapshot(List<TileGroup> groups, int length, int[] tail) {}
}
