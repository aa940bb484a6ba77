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

import java.util.Arrays;

/**
 * Work that should run in one place because its rows share a prefix.
 *
 * @param tileNames short names of the prefix's leading tiles, from its first tile on; empty where
 *     it has none
 * @param tileTokens tokens of one tile
 * @param costTokens tokens to compute where nothing is resident: prompts, shared parts once, and
 *     answers
 */
public record WorkItem(long[] tileNames, int tileTokens, long costTokens) {

  /** Copies the names. */
  public WorkItem {
    tileNames = tileNames.clone();
    if (tileTokens < 1) {
      throw new IllegalArgumentException("tileTokens is " + tileTokens + "; it must be at least 1");
    }
    Fields.requireNotNegative("costTokens", costTokens);
  }

  @Override
  public long[] tileNames() {
    return tileNames.clone();
  }

  int tiles() {
    return tileNames.length;
  }

  long tile(int index) {
    return tileNames[index];
  }

  /** What ties are broken by: the same for the same prefix. */
  int key() {
    return tileNames.length == 0 ? 0 : Long.hashCode(Rendezvous.mix(tileNames[tiles() - 1]));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WorkItem that
        && Arrays.equals(tileNames, that.tileNames)
        && tileTokens == that.tileTokens
        && costTokens == that.costTokens;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(tileNames) * 31 + Long.hashCode(costTokens);
  }

  @Override
  public String toString() {
    return "work of " + costTokens + " tokens behind " + tileNames.length + " tiles";
  }
}
