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
package org.tilekv.prefix;

import org.jspecify.annotations.Nullable;

/**
 * What a full tile is called.
 *
 * @param chain its name: equal for equal tokens after equal tokens in one namespace and salt
 * @param content the same without namespace and salt, in 64 bits; only tells why a tile was missed
 */
public record TileName(ChainHash chain, long content) {

  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  // Far from any token: one that is equal to the hash makes it 0, which a token 0 keeps.
  private static final long ROOT_CONTENT = 0xD1B54A32D192ED03L;

  /** The parent of first tiles. */
  public static TileName root(Namespace namespace, @Nullable String salt) {
    return new TileName(ChainHash.root(namespace, salt), ROOT_CONTENT);
  }

  /** The parent of first tiles whose name is known, whatever namespace and salt are. */
  public static TileName under(ChainHash root) {
    return new TileName(root, ROOT_CONTENT);
  }

  /** Name of the tile {@code tokens[from..from+count)} after this one. */
  public TileName child(int[] tokens, int from, int count) {
    long hash = content;
    for (int i = from; i < from + count; i++) {
      hash = (hash ^ tokens[i]) * MULTIPLIER;
      hash ^= hash >>> 29;
    }
    return new TileName(chain.child(tokens, from, count), hash);
  }
}
