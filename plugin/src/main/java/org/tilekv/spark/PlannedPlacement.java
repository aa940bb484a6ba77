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

import java.util.List;
import java.util.Optional;
import org.tilekv.coordinator.Coordinator;
import org.tilekv.coordinator.ExecutorView;

/**
 * Each group on one of the executors that the plan chose for it; once those are gone or about to
 * leave, where the shard map has the partition.
 */
final class PlannedPlacement implements PlacedRdd.Placement {

  private final Coordinator coordinator;
  private final List<List<String>> executorsOfGroup;
  private final PlacedRdd.Placement otherwise;

  /**
   * @param executorsOfGroup Spark's ids of each group's executors
   */
  PlannedPlacement(
      Coordinator coordinator, List<List<String>> executorsOfGroup, PlacedRdd.Placement otherwise) {
    this.coordinator = coordinator;
    this.executorsOfGroup = List.copyOf(executorsOfGroup);
    this.otherwise = otherwise;
  }

  @Override
  public List<String> locations(int partition, int partitions) {
    if (partition < executorsOfGroup.size()) {
      List<String> locations =
          executorsOfGroup.get(partition).stream()
              .map(coordinator::executor)
              .flatMap(Optional::stream)
              .filter(ExecutorView::placeable)
              .map(executor -> PlacedRdd.location(executor.host(), executor.executorId()))
              .toList();
      if (!locations.isEmpty()) {
        return locations;
      }
    }
    return otherwise.locations(partition, partitions);
  }
}
