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

/**
 * Continuous batching over one decoder and one cache: all tasks of an executor share it.
 * Thread-safe.
 */
public interface InferenceEngine extends AutoCloseable {

  /**
   * Queues a row. The future fails with {@link org.tilekv.TileKvException} where the row cannot run
   * (prompt too long, pool too small for this row alone); it is cancelled when its owner is.
   */
  CompletableFuture<GenerationResult> submit(GenerationRequest request);

  /** Cancels all rows of an owner and releases their pages; returns how many there were. */
  int cancelOwner(long owner);

  EngineStats stats();

  /** Cancels what is left and stops the engine's thread. */
  @Override
  void close();
}
