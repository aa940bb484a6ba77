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

import org.tilekv.tier.LowerTierStats;

/**
 * Counters of what moves between a cache's pool and its lower tier, since it was opened. A tile is
 * one of all heads.
 *
 * @param savedTiles tiles written when they left the pool
 * @param refusedSaves tiles that the tier did not take: not admitted, no room, or a failure
 * @param cleanEvictions tiles that were in the tier already when they left the pool
 * @param droppedUnsaved tiles dropped because too many were on their way already
 * @param failedSaves tiles whose bytes could not be copied
 * @param loads loads of a prefix
 * @param sharedLoads requests that joined a load that was under way
 * @param loadedTiles tiles put back into the pool
 * @param failedLoads tiles that the tier held and did not give back intact
 * @param loadsWithoutRoom loads that ended early because the pool had no room
 * @param cheaperComputed prefixes left where they are because computing them is faster
 * @param below counters of the tier itself
 */
public record TierStats(
    long savedTiles,
    long refusedSaves,
    long cleanEvictions,
    long droppedUnsaved,
    long failedSaves,
    long loads,
    long sharedLoads,
    long loadedTiles,
    long failedLoads,
    long loadsWithoutRoom,
    long cheaperComputed,
    LowerTierStats below) {}
