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

import java.util.List;
import org.tilekv.KvCache;
import org.tilekv.cache.TierStats;
import org.tilekv.llm.ModelConfig;
import org.tilekv.llm.Tokenizer;

/**
 * One model in one process: weights loaded once, one cache, one engine, shared by all task threads.
 * Thread-safe. {@link ModelRuntimes} opens it.
 */
public interface ModelRuntime extends AutoCloseable {

  ModelConfig config();

  Tokenizer tokenizer();

  InferenceEngine engine();

  KvCache cache();

  /**
   * Digest of everything that changes the content of K and V, as 64 hex digits; the salt is not
   * part of it.
   */
  String namespace();

  /** Counters of the tiers below its cache. */
  default List<TierStats> tierStats() {
    return List.of();
  }

  /** Bytes sent to other members of cells so far. */
  default long cellBytes() {
    return 0;
  }

  /**
   * Whether the counters of its cache are reported: of a cell, whose members count the same, the
   * first member's.
   */
  default boolean reportsCache() {
    return true;
  }

  @Override
  void close();
}
