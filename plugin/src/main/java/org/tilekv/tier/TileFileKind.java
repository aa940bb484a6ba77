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
package org.tilekv.tier;

/** What a tile file is, see {@code docs/tile-file-format.md}. */
enum TileFileKind {
  /** Tiles written once, one behind the other. */
  TILES(1),
  /** Slots of groups, overwritten in place. */
  SEGMENT(2),
  /** The order in which the groups of a directory were used. */
  ORDER(3);

  private final int code;

  TileFileKind(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
