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

import java.util.EnumMap;
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

  private final Map<MissReason, Long> missedTiles = new EnumMap<>(MissReason.class);
  private final Map<EvictionReason, Long> evictions = new EnumMap<>(EvictionReason.class);

  void missed(MissReason reason) {
    missedTiles.merge(reason, 1L, Long::sum);
  }

  void evicted(EvictionReason reason) {
    evictedTiles++;
    evictions.merge(reason, 1L, Long::sum);
  }

  Map<EvictionReason, Long> evictions() {
    return Map.copyOf(evictions);
  }

  Map<MissReason, Long> missedTiles() {
    return Map.copyOf(missedTiles);
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
