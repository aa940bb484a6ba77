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
package org.tilekv.examples;

import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.coordinator.ExecutorView;
import org.tilekv.spark.TileKv;

/** What the executors of this application have counted so far, by executor. */
final class ClusterNumbers {

  private final TileKv tileKv;

  ClusterNumbers(SparkSession spark) {
    tileKv = TileKv.active(spark);
  }

  /** Waits until every executor has reported; complete when no job runs. */
  Map<String, ExecutorNumbers> read() {
    tileKv.refresh();
    return latest();
  }

  /** What is known without waiting. */
  Map<String, ExecutorNumbers> latest() {
    Map<String, ExecutorNumbers> numbers = new TreeMap<>();
    for (ExecutorView executor : tileKv.executors()) {
      numbers.put(executor.executorId() + "@" + executor.host(), numbers(executor.stats()));
    }
    return numbers;
  }

  private static ExecutorNumbers numbers(ExecutorStats s) {
    return new ExecutorNumbers(
        s.rows(),
        s.promptTokens(),
        s.computedTokens(),
        s.reusedTokens(),
        s.outputTokens(),
        s.distinctPositions(),
        s.missedTiles(),
        s.evictedTiles(),
        s.preemptions(),
        s.decodeRows(),
        s.cellBytes(),
        s.residentTiles(),
        s.pages());
  }
}
