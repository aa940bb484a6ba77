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

import java.util.Arrays;

/**
 * What a group is: the tiles of all heads of one chain hash, which move together. Equal by content;
 * the arrays are the caller's and must not change.
 *
 * @param chainHash name of the group, 32 bytes
 * @param parentHash chain hash of the group before it, 32 bytes; the root hash for first ones
 * @param tokens the {@code tileTokens} token ids of its positions
 */
public record GroupMeta(byte[] chainHash, byte[] parentHash, int[] tokens) {

  public GroupMeta {
    requireHash("chain hash", chainHash);
    requireHash("parent hash", parentHash);
    if (tokens.length == 0) {
      throw new IllegalArgumentException("a group has 0 tokens; it must have tileTokens");
    }
  }

  private static void requireHash(String name, byte[] hash) {
    if (hash.length != GroupKey.HASH_BYTES) {
      throw new IllegalArgumentException(
          name + " has " + hash.length + " bytes; it must have " + GroupKey.HASH_BYTES);
    }
  }

  /** Key of the group. */
  public GroupKey key() {
    return GroupKey.of(chainHash);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GroupMeta meta
        && Arrays.equals(chainHash, meta.chainHash)
        && Arrays.equals(parentHash, meta.parentHash)
        && Arrays.equals(tokens, meta.tokens);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(chainHash);
  }

  @Override
  public String toString() {
    return key().toString();
  }
}
