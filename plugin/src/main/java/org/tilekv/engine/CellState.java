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
package org.tilekv.engine;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a member's cache is and holds: members begin a job together when they are alike.
 *
 * @param namespace of the tiles
 * @param groups tiles of all of the member's heads that its pool holds
 * @param rows page-table rows
 * @param maxTiles tiles of the longest sequence
 * @param lineage number of the job after which the cache was left as it is, the same for all of its
 *     members; 0 where that job did not end well
 */
record CellState(String namespace, int groups, int rows, int maxTiles, long lineage) {

  static final long NO_LINEAGE = 0;

  void writeTo(CellMessage message) {
    message.put(namespace.getBytes(StandardCharsets.UTF_8));
    message.put(groups).put(rows).put(maxTiles).put(lineage);
  }

  static CellState read(ByteBuffer in) {
    return new CellState(
        new String(CellMessage.bytes(in), StandardCharsets.UTF_8),
        in.getInt(),
        in.getInt(),
        in.getInt(),
        in.getLong());
  }

  /** Whether both caches can repeat the same calls. */
  boolean fits(CellState other) {
    return namespace.equals(other.namespace)
        && groups == other.groups
        && rows == other.rows
        && maxTiles == other.maxTiles;
  }

  /** Whether both caches hold the same tiles. */
  boolean holdsWhat(CellState other) {
    return lineage != NO_LINEAGE && lineage == other.lineage;
  }
}
