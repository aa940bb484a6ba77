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
package org.tilekv.engine;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The engine of a {@link CellModel}: there is one while the member leads a cell, and its counters
 * stay afterwards. Thread-safe.
 */
final class CellEngine implements InferenceEngine {

  // Guarded by this.
  private @Nullable InferenceEngine running;
  private EngineStats ended = EngineStats.ZERO;

  synchronized void begin(InferenceEngine engine) {
    running = engine;
  }

  /** Closes the running engine, if there is one. */
  void end() {
    InferenceEngine engine = running();
    if (engine != null) {
      engine.close();
    }
    synchronized (this) {
      if (engine != null && running == engine) {
        ended = ended.plus(engine.stats());
        running = null;
      }
    }
  }

  private synchronized @Nullable InferenceEngine running() {
    return running;
  }

  @Override
  public CompletableFuture<GenerationResult> submit(GenerationRequest request) {
    InferenceEngine engine = running();
    if (engine == null) {
      String why = "this process does not lead a cell now";
      return CompletableFuture.failedFuture(new CellException(why, new IllegalStateException(why)));
    }
    return engine.submit(request);
  }

  @Override
  public int cancelOwner(long owner) {
    InferenceEngine engine = running();
    return engine == null ? 0 : engine.cancelOwner(owner);
  }

  @Override
  public synchronized EngineStats stats() {
    return running == null ? ended : ended.plus(running.stats());
  }

  @Override
  public void close() {
    end();
  }
}
