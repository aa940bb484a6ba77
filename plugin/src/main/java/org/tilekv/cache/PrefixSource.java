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
package org.tilekv.cache;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.tilekv.SequenceRequest;

/**
 * Where tiles of a prompt can come from that are not in the pool: a lower tier, another executor. A
 * hint and a help, never the truth: what cannot be loaded is computed. Thread-safe.
 */
public interface PrefixSource extends AutoCloseable {

  /**
   * Leading tokens of the prompt that would be resident after a load that is worth its cost; at
   * most {@code residentTokens} where there is nothing to load. Looks at bookkeeping only: no I/O.
   *
   * @param residentTokens leading tokens that are in the pool now
   */
  int loadableTokens(SequenceRequest request, int residentTokens);

  /**
   * Loads what is worth it, through {@link TileCache#load}, on threads of its own. The same prefix
   * asked for twice is loaded once. The future completes when no more of it will come; never
   * exceptionally.
   */
  CompletableFuture<Void> load(SequenceRequest request);

  /** Says how long a step took that mostly computed prompts: what a load has to beat. */
  default void computed(int tokens, long nanos) {}

  /** Counters of a source that is a tier below the cache; null for others. */
  default @Nullable TierStats stats() {
    return null;
  }

  /** Ends loads, whose futures complete, and gives back what the source holds. */
  @Override
  default void close() {}
}
