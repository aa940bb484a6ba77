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

import org.tilekv.engine.ModelRuntime;

/** A task's right to use a model; to be closed once. Thread-safe. */
final class RuntimeLease implements AutoCloseable {

  private final ExecutorRuntimes registry;
  private final RuntimeSlot slot;
  private final ModelRuntime runtime;
  private final long owner;

  RuntimeLease(ExecutorRuntimes registry, RuntimeSlot slot, ModelRuntime runtime, long owner) {
    this.registry = registry;
    this.slot = slot;
    this.runtime = runtime;
    this.owner = owner;
  }

  ModelRuntime runtime() {
    return runtime;
  }

  /** As {@link ExecutorRuntimes#rowFailed}. */
  void rowFailed(Throwable why) {
    registry.rowFailed(slot, why);
  }

  /** Cancels what the owner still has in flight, then gives the model back. */
  @Override
  public void close() {
    try {
      runtime.engine().cancelOwner(owner);
    } finally {
      registry.release(slot, owner);
    }
  }
}
