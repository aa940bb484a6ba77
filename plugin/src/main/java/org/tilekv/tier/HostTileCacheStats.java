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

/**
 * Counters of one {@link HostTileCache} since it was created, and gauges of now.
 *
 * @param hits reads that found their tile
 * @param misses reads that did not
 * @param puts tiles stored, overwrites and loads from a file included
 * @param rejectedPuts tiles not stored: no room, or not representable
 * @param evictions tiles dropped for room
 * @param corruptTiles tiles of loaded files that were skipped because their bytes were damaged
 * @param capacityTiles most tiles that may be resident
 * @param residentTiles tiles resident now
 * @param residentBytes their bytes
 * @param allocatedBytes memory held: capacity and spare frames; 0 once closed
 */
public record HostTileCacheStats(
    long hits,
    long misses,
    long puts,
    long rejectedPuts,
    long evictions,
    long corruptTiles,
    int capacityTiles,
    int residentTiles,
    long residentBytes,
    long allocatedBytes) {}
