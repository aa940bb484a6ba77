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

/**
 * What work costs, in tokens: a tile of a shared prefix once for each executor that has rows below
 * it, the rest of a prompt for each row, and the decoding of each row.
 *
 * @param tileTokens tokens of a tile
 * @param decodeTokens tokens that decoding a row is expected to cost
 */
public record PlanCost(int tileTokens, long decodeTokens) {

  public PlanCost {
    if (tileTokens < 1 || decodeTokens < 0) {
      throw new IllegalArgumentException(
          "tileTokens is "
              + tileTokens
              + " and decodeTokens "
              + decodeTokens
              + "; they must be at least 1 and 0");
    }
  }

  long ofTiles(long tiles) {
    return tiles * tileTokens;
  }

  /** Prompt tokens of some rows beyond their prefix of so many tiles; at least one of each row. */
  long ownTokens(long rows, long promptTokens, int depth) {
    return Math.max(rows, promptTokens - rows * ofTiles(depth));
  }

  long ofRows(long rows, long promptTokens, int depth) {
    return ownTokens(rows, promptTokens, depth) + rows * decodeTokens;
  }
}
