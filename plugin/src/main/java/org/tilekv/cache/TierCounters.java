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

import java.util.concurrent.atomic.LongAdder;
import org.tilekv.tier.LowerTierStats;

/** The counters behind {@link TierStats}: written by any thread, read by any thread. */
final class TierCounters {
  final LongAdder savedTiles = new LongAdder();
  final LongAdder refusedSaves = new LongAdder();
  final LongAdder cleanEvictions = new LongAdder();
  final LongAdder droppedUnsaved = new LongAdder();
  final LongAdder failedSaves = new LongAdder();
  final LongAdder loads = new LongAdder();
  final LongAdder sharedLoads = new LongAdder();
  final LongAdder loadedTiles = new LongAdder();
  final LongAdder failedLoads = new LongAdder();
  final LongAdder loadsWithoutRoom = new LongAdder();
  final LongAdder cheaperComputed = new LongAdder();

  TierStats snapshot(LowerTierStats below) {
    return new TierStats(
        savedTiles.sum(),
        refusedSaves.sum(),
        cleanEvictions.sum(),
        droppedUnsaved.sum(),
        failedSaves.sum(),
        loads.sum(),
        sharedLoads.sum(),
        loadedTiles.sum(),
        failedLoads.sum(),
        loadsWithoutRoom.sum(),
        cheaperComputed.sum(),
        below);
  }
}
