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
package org.tilekv;

import java.util.Map;

/**
 * Counters of one cache since it was created, and gauges of now. All counts are monotonic.
 *
 * @param sequencesOpened sequences opened
 * @param promptTokens prompt tokens of the opened sequences
 * @param reusedTokens those of them that were found in the cache
 * @param hitTiles full tiles (of all heads together: one per tile index) shared on open
 * @param partialHits opens that copied the leading slots of one more tile
 * @param missedTiles full prompt tiles not found, by reason
 * @param publishedTiles tiles that were named for reuse
 * @param loadedTiles those of them whose K and V came from elsewhere: a lower tier, another
 *     executor, a snapshot
 * @param evictedTiles resident tiles dropped for room
 * @param evictions the same by reason
 * @param copiedPages pages copied on write or for a partial hit
 * @param pages pages of the pool
 * @param freePages pages that hold nothing
 * @param residentPages unpinned pages that hold a named tile
 * @param pinnedPages pages in use by open sequences
 * @param tableReferences page-table entries that point to a page; above {@code pinnedPages} where
 *     pages are shared
 * @param peakPinnedPages highest {@code pinnedPages} so far
 * @param peakTableReferences highest {@code tableReferences} so far
 * @param openSequences open sequences
 * @param expiredLeases sequences closed because their lease ran out
 */
public record CacheStats(
    long sequencesOpened,
    long promptTokens,
    long reusedTokens,
    long hitTiles,
    long partialHits,
    Map<MissReason, Long> missedTiles,
    long publishedTiles,
    long loadedTiles,
    long evictedTiles,
    Map<EvictionReason, Long> evictions,
    long copiedPages,
    int pages,
    int freePages,
    int residentPages,
    int pinnedPages,
    int tableReferences,
    int peakPinnedPages,
    int peakTableReferences,
    int openSequences,
    long expiredLeases) {}
