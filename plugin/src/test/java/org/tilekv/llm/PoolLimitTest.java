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
package org.tilekv.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.cuda.CudaFailures;

class PoolLimitTest {

  @Test
  void eachTryIsSmallerAndTheLastIsRefused() {
    PoolLimit limit = new PoolLimit();
    assertThat(limit.bytes()).isEqualTo(Long.MAX_VALUE);
    limit.tried(1L << 40);
    for (int i = 0; i < 4; i++) {
      long before = Math.min(1L << 40, limit.bytes());
      limit.lower(CudaFailures.outOfMemory());
      assertThat(limit.bytes()).isEqualTo(before / 4 * 3);
      limit.tried(limit.bytes());
    }
    assertThatThrownBy(() -> limit.lower(CudaFailures.outOfMemory()))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessageContaining("pool of " + limit.bytes() + " bytes")
        .hasMessageContaining("CUDA_ERROR_OUT_OF_MEMORY");
  }

  @Test
  void aDeviceWithoutRoomForAContextIsRefusedAtOnce() {
    assertThatThrownBy(() -> new PoolLimit().lower(CudaFailures.outOfMemory()))
        .isInstanceOf(DeviceUnavailableException.class);
  }
}
