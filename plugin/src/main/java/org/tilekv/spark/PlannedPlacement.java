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
 * Each group on the executor that the plan chose for it; once that is gone or about to leave, where
 * the shard map has the partition.
 */
final class PlannedPlacement implements PlacedRdd.Placement {

  private final Coordinator coordinator;
  private final List<String> executorOfGroup;
  private final PlacedRdd.Placement otherwise;

  /**
   * @param executorOfGroup Spark's id of each group's executor
   */
  PlannedPlacement(
      Coordinator coordinator, List<String> executorOfGroup, PlacedRdd.Placement otherwise) {
    this.coordinator = coordinator;
    this.executorOfGroup = List.copyOf(executorOfGroup);
    this.otherwise = otherwise;
  }

  @Override
  public List<String> locations(int partition, int partitions) {
    if (partition < executorOfGroup.size()) {
      Optional<ExecutorView> executor =
          coordinator.executor(executorOfGroup.get(partition)).filter(ExecutorView::placeable);
      if (executor.isPresent()) {
        return List.of(PlacedRdd.location(executor.get().host(), executor.get().executorId()));
      }
    }
    return otherwise.locations(partition, partitions);
  }
}
