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
package org.tilekv.spark;

import java.util.List;

/**
 * What an executor did with its part of a snapshot, or all of them together.
 *
 * @param executor id of the executor
 * @param parts files written or read
 * @param refusedParts those of them of which something was refused
 * @param tiles tiles written, or in a pool or a tier below after the load; one of all heads each
 * @param tilesWithoutRoom tiles for which the pool had no free page, and no tier below room
 * @param missedExecutors executors that had no part, since they were busy all the time, or went
 * @param refused first reason for which something was refused; empty where there is none
 */
public record SnapshotReport(
    String executor,
    int parts,
    int refusedParts,
    long tiles,
    long tilesWithoutRoom,
    int missedExecutors,
    String refused) {

  static SnapshotReport reached(String executor) {
    return of(executor, 0, 0, 0, 0, "");
  }

  /** What an executor did that had a part. */
  static SnapshotReport of(
      String executor,
      int parts,
      int refusedParts,
      long tiles,
      long tilesWithoutRoom,
      String refused) {
    return new SnapshotReport(executor, parts, refusedParts, tiles, tilesWithoutRoom, 0, refused);
  }

  SnapshotReport withMissed(int executors) {
    return new SnapshotReport(
        executor, parts, refusedParts, tiles, tilesWithoutRoom, executors, refused);
  }

  String encode() {
    return String.join(
        "\t",
        List.of(
            executor,
            String.valueOf(parts),
            String.valueOf(refusedParts),
            String.valueOf(tiles),
            String.valueOf(tilesWithoutRoom),
            String.valueOf(missedExecutors),
            refused.replace('\t', ' ')));
  }

  static SnapshotReport decode(String text) {
    String[] fields = text.split("\t", 7);
    return new SnapshotReport(
        fields[0],
        Integer.parseInt(fields[1]),
        Integer.parseInt(fields[2]),
        Long.parseLong(fields[3]),
        Long.parseLong(fields[4]),
        Integer.parseInt(fields[5]),
        fields[6]);
  }

  SnapshotReport plus(SnapshotReport other) {
    return new SnapshotReport(
        executor.equals(other.executor) ? executor : "all",
        parts + other.parts,
        refusedParts + other.refusedParts,
        tiles + other.tiles,
        tilesWithoutRoom + other.tilesWithoutRoom,
        missedExecutors + other.missedExecutors,
        refused.isEmpty() ? other.refused : refused);
  }
}
