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

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;
import org.tilekv.coordinator.ExecutorStats;
import org.tilekv.engine.ModelRuntime;

/** One model of {@link ExecutorRuntimes}, from opening to closing. Guarded by the registry. */
final class RuntimeSlot {

  private final String model;
  private final long poolBytes;
  private final Map<Long, Integer> usesByOwner = new HashMap<>();
  private @Nullable ModelRuntime runtime;
  private @Nullable TileKvException failure;
  private long failedAtNs;
  private boolean broken;
  private boolean closing;

  /**
   * A slot whose model is about to be opened.
   *
   * @param poolBytes room its pool takes
   */
  RuntimeSlot(String model, long poolBytes) {
    this.model = model;
    this.poolBytes = poolBytes;
  }

  String model() {
    return model;
  }

  /** Room its pool takes: none where the model could not be opened. */
  long poolBytes() {
    return failure == null ? poolBytes : 0;
  }

  void opened(ModelRuntime opened) {
    runtime = opened;
  }

  void failed(TileKvException why, long nowNs) {
    failure = why;
    failedAtNs = nowNs;
  }

  boolean failedBefore(long nowNs, long ageNs) {
    return failure != null && nowNs - failedAtNs >= ageNs;
  }

  void requireNotFailed() {
    if (failure != null) {
      throw new TileKvException(String.valueOf(failure.getMessage()), failure);
    }
  }

  /** The runtime where tasks may use it: open, whole and not about to close. */
  @Nullable ModelRuntime usable() {
    return broken || closing ? null : runtime;
  }

  /** The runtime, open or closing, or null. */
  @Nullable ModelRuntime runtime() {
    return runtime;
  }

  boolean broken() {
    return broken;
  }

  void markBroken() {
    broken = true;
  }

  boolean usedBy(long owner) {
    return usesByOwner.containsKey(owner);
  }

  void use(long owner) {
    usesByOwner.merge(owner, 1, Integer::sum);
  }

  void release(long owner) {
    usesByOwner.computeIfPresent(owner, (id, uses) -> uses > 1 ? uses - 1 : null);
  }

  boolean idle() {
    return runtime != null && !closing && usesByOwner.isEmpty();
  }

  void beginClosing() {
    closing = true;
  }

  /** Numbers of an open model; of one that closes the registry keeps the counters. */
  ExecutorStats stats() {
    return runtime == null || closing ? ExecutorStats.ZERO : RuntimeCounters.of(runtime);
  }

  /** Counters as they stay when the model closes. */
  ExecutorStats counters() {
    return runtime == null ? ExecutorStats.ZERO : RuntimeCounters.withoutGauges(runtime);
  }
}
