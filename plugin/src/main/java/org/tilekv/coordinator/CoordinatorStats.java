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
package org.tilekv.coordinator;

import java.util.Map;

/**
 * The coordinator's own numbers.
 *
 * @param epoch current epoch
 * @param aliveExecutors executors that run
 * @param leavingExecutors those of them that are about to be taken away and get no work
 * @param expiredExecutors times an executor was silent for too long
 * @param removedExecutors executors that the cluster manager took away
 * @param initFailures executors that could not start, counted up to the limit
 * @param heartbeats heartbeats taken
 * @param resyncs heartbeats answered with the wish for a full one
 * @param refused messages not taken, by reason; reasons without one are left out
 * @param directoryTiles pairs of tile and holder in the prefix directory
 * @param placementMode what placement rests on now
 * @param degradedSwitches times that placement had to fall back to the shard map
 * @param placements work items placed, by reason; reasons without one are left out
 * @param total numbers of all executors there ever were, added up
 */
public record CoordinatorStats(
    long epoch,
    int aliveExecutors,
    int leavingExecutors,
    long expiredExecutors,
    long removedExecutors,
    int initFailures,
    long heartbeats,
    long resyncs,
    Map<Refused.Reason, Long> refused,
    int directoryTiles,
    PlacementMode placementMode,
    long degradedSwitches,
    Map<PlacementReason, Long> placements,
    ExecutorStats total) {

  public CoordinatorStats {
    refused = Map.copyOf(refused);
    placements = Map.copyOf(placements);
  }
}
