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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.tilekv.EvictionOrder;
import org.tilekv.config.TileKvConfig;
import org.tilekv.engine.DeviceChoice;

/** Settings that reach the engine as they were said. */
class RuntimeSettingsTest {

  private static EvictionOrder eviction(Map<String, String> settings) {
    TileKvConfig config = TileKvConfig.parse(settings);
    return RuntimeSettings.options(config, 2, 1L << 30, DeviceChoice.CPU).engine().eviction();
  }

  @Test
  void theOrderOfEviction() {
    assertThat(eviction(Map.of())).isEqualTo(EvictionOrder.PLAN);
    assertThat(eviction(Map.of("spark.tilekv.eviction.policy", "lru")))
        .isEqualTo(EvictionOrder.LRU);
  }
}
