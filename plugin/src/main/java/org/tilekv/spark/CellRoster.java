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

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * All tasks of a barrier stage, in the order of their partitions: each {@code shards} consecutive
 * ones are a cell.
 */
final class CellRoster {

  private final List<CellMember> tasks;
  private final int shards;

  /**
   * @param texts what the tasks said of themselves
   */
  CellRoster(String[] texts, int shards) {
    this.tasks = Arrays.stream(texts).map(CellMember::parse).toList();
    this.shards = shards;
    if (tasks.isEmpty() || tasks.size() % shards != 0) {
      throw new IllegalArgumentException(tasks.size() + " tasks in cells of " + shards);
    }
  }

  /** Members of the cell of a task, by rank. */
  List<CellMember> cellOf(int partition) {
    int first = partition / shards * shards;
    return tasks.subList(first, first + shards);
  }

  /** Most members that live in one process. */
  int mostInOneProcess() {
    return tasks.stream()
        .collect(Collectors.groupingBy(CellMember::executorId, Collectors.counting()))
        .values()
        .stream()
        .mapToInt(Math::toIntExact)
        .max()
        .orElse(1);
  }

  /** Bytes of every member's pool: the same for all, because caches have to answer alike. */
  long poolBytes() {
    return tasks.stream().mapToLong(CellMember::poolBytes).min().orElse(0) / mostInOneProcess();
  }

  /** Executors of the cells, for logs. */
  @Override
  public String toString() {
    Function<CellMember, String> name = CellMember::executorId;
    return tasks.stream().map(name).collect(Collectors.joining(",", "executors [", "]"));
  }
}
