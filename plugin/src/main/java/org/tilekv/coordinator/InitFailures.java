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

import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Counts executors that could not start: the cluster manager would replace them for ever. Guarded
 * by the coordinator's lock; grows to the limit and no further.
 */
final class InitFailures {

  private final int limit;
  private final Map<String, Integer> countByHost = new TreeMap<>();
  private final Set<String> counted = new HashSet<>();
  private String lastMessage = "";

  InitFailures(int limit) {
    this.limit = limit;
  }

  /** Counts an executor once, however often it reports. */
  void add(InitFailure failure) {
    if (counted.size() < limit && counted.add(failure.executorId())) {
      countByHost.merge(failure.host(), 1, Integer::sum);
      lastMessage = failure.message();
    }
  }

  int count() {
    return counted.size();
  }

  /** Why the application should stop, once the limit is reached. */
  Optional<String> stopReason() {
    if (counted.size() < limit) {
      return Optional.empty();
    }
    return Optional.of(
        counted.size()
            + " executors could not start TileKV (spark.tilekv.maxInitFailures is "
            + limit
            + "), by host "
            + countByHost
            + "; the last one said: "
            + lastMessage);
  }
}
