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

import org.tilekv.config.Device;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;
import org.tilekv.engine.DeviceChoice;
import org.tilekv.engine.EngineConfig;
import org.tilekv.engine.RuntimeOptions;

/** Settings as the engine takes them. */
final class RuntimeSettings {

  private RuntimeSettings() {}

  /**
   * Options of every model of one process.
   *
   * @param config settled for the device
   */
  static RuntimeOptions options(
      TileKvConfig config, int executorCores, long maxHeapBytes, DeviceChoice device) {
    RuntimeOptions onCpu =
        new RuntimeOptions(
            config.get(Settings.TILE_TOKENS),
            config.get(Settings.KV_DTYPE),
            heapPoolBytes(config, maxHeapBytes),
            config.threads(executorCores),
            config.get(Settings.MAX_SEQUENCE_TOKENS),
            config.get(Settings.MAT_MUL),
            config.get(Settings.ADD_BOS),
            config.get(Settings.LEASE_TTL_MS),
            config.find(Settings.TENANT_SALT).orElse(null),
            new EngineConfig(
                config.get(Settings.MAX_BATCH_ROWS),
                config.get(Settings.MAX_STEP_TOKENS),
                config.get(Settings.PREFILL_CHUNK_TOKENS),
                config.get(Settings.SHARED_PREFIX_WAIT_MS),
                config.get(Settings.LOAD_WAIT_MS),
                config.get(Settings.PREFIX_REUSE),
                config.get(Settings.STATS_DISTINCT_POSITIONS),
                config.get(Settings.EVICTION_POLICY)));
    return onCpu.on(device);
  }

  /**
   * Bytes of a pool in the heap. With {@code auto}, {@code pool.bytes} may be meant for GPUs: an
   * executor without one, whose heap cannot hold them, takes its share.
   */
  private static long heapPoolBytes(TileKvConfig config, long maxHeapBytes) {
    long bytes = config.poolBytes(maxHeapBytes);
    boolean share = config.get(Settings.DEVICE) == Device.AUTO && bytes >= maxHeapBytes;
    return share ? (long) (maxHeapBytes * config.get(Settings.POOL_HEAP_FRACTION)) : bytes;
  }

  /** Bytes for the pools of all models: the share of the heap, or one pool where that is more. */
  static long poolBudgetBytes(TileKvConfig config, long maxHeapBytes) {
    long share = (long) (maxHeapBytes * config.get(Settings.POOL_HEAP_FRACTION));
    return Math.max(share, heapPoolBytes(config, maxHeapBytes));
  }
}
