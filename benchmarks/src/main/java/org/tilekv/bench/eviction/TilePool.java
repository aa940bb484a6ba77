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
package org.tilekv.bench.eviction;

/** What rows take tiles from. */
interface TilePool extends AutoCloseable {

  /**
   * Takes all tiles of a row and computes those of its prompt that are not there.
   *
   * @return false when they do not fit beside the rows in flight; nothing has changed then
   */
  boolean admit(TraceRow row);

  /** A row ends. */
  void finish(TraceRow row);

  /** Full tiles of prompts that were found so far. */
  long hitTiles();

  @Override
  void close();
}
