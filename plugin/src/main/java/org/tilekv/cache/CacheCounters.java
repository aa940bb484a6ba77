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

import java.util.HashMap;
import java.util.Map;
import org.tilekv.EvictionReason;
import org.tilekv.MissReason;

/** What a cache counts; confined to its lock. */
final class CacheCounters {

  long sequencesOpened;
  long promptTokens;
  long reusedTokens;
  long hitTiles;
  long partialHits;
  long publishedTiles;
  long loadedTiles;
  long evictedTiles;
  long copiedPages;
  long expiredLeases;
  int tableReferences;
  int pinnedPages;
  int peakPinnedPages;
  int peakTableReferences;

  private final long[] missedTiles = new long[MissReason.values().length];
  private final long[] evictions = new long[EvictionReason.values().length];

  void missed(MissReason reason) {
    missedTiles[reason.ordinal()]++;
  }

  void evicted(EvictionReason reason) {
    evictedTiles++;
    evictions[reason.ordinal()]++;
  }

  /** Reasons that have occurred. */
  Map<EvictionReason, Long> evictions() {
    return occurred(EvictionReason.values(), evictions);
  }

  /** Reasons that have occurred. */
  Map<MissReason, Long> missedTiles() {
    return occurred(MissReason.values(), missedTiles);
  }

  private static <R extends Enum<R>> Map<R, Long> occurred(R[] reasons, long[] counts) {
    Map<R, Long> occurred = new HashMap<>();
    for (R reason : reasons) {
      if (counts[reason.ordinal()] > 0) {
        occurred.put(reason, counts[reason.ordinal()]);
      }
    }
    return Map.copyOf(occurred);
  }

  void referenced(int entries) {
    tableReferences += entries;
    peakTableReferences = Math.max(peakTableReferences, tableReferences);
  }

  void pinned(int pages) {
    pinnedPages += pages;
    peakPinnedPages = Math.max(peakPinnedPages, pinnedPages);
  }
}
