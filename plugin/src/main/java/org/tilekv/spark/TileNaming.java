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

import java.io.Serializable;
import org.jspecify.annotations.Nullable;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.Namespace;

/**
 * What the names of a job's tiles depend on beside tokens and salt. Kinds of executors differ in
 * it: each has its own arithmetic.
 *
 * @param namespace hex digits of the cache's namespace
 * @param tileTokens tokens of a tile
 */
record TileNaming(String namespace, int tileTokens) implements Serializable {

  private static final String SEPARATOR = " ";

  /** How the executor of this runtime names tiles. */
  static TileNaming of(ModelRuntime runtime) {
    return new TileNaming(runtime.namespace(), runtime.cache().geometry().tileTokens());
  }

  /**
   * The parent of each prompt's first tile.
   *
   * @param salt tenant salt of the rows, or null
   */
  ChainHash root(@Nullable String salt) {
    return ChainHash.root(Namespace.ofHex(namespace), salt);
  }

  /** As text: the driver reads accumulators with a loader that need not know our classes. */
  String toText() {
    return namespace + SEPARATOR + tileTokens;
  }

  /** Reads what {@link #toText} gave. */
  static TileNaming parse(String text) {
    int at = text.indexOf(SEPARATOR);
    return new TileNaming(text.substring(0, at), Integer.parseInt(text.substring(at + 1)));
  }
}
