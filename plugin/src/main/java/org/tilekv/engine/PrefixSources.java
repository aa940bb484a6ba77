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

import java.util.Arrays;
import java.util.List;
import org.tilekv.cache.PrefixSource;
import org.tilekv.cache.TileCache;
import org.tilekv.prefix.Namespace;

/** Opens what a model's cache can load tiles from. */
@FunctionalInterface
public interface PrefixSources {

  /** A cache that computes all it does not hold. */
  PrefixSources NONE = (cache, namespace) -> List.of();

  /** All sources of several; {@link #NONE} where none of them is another. */
  static PrefixSources all(PrefixSources... parts) {
    List<PrefixSources> some = Arrays.stream(parts).filter(part -> part != NONE).toList();
    return switch (some.size()) {
      case 0 -> NONE;
      case 1 -> some.get(0);
      default -> new JoinedSources(some);
    };
  }

  /**
   * Sources of one cache; they are closed before it. Called once per opened model.
   *
   * @param namespace of the cache's tiles
   */
  List<PrefixSource> open(TileCache cache, Namespace namespace);
}
