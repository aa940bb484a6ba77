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
package org.tilekv.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GpuAddressTest {

  private static CudaDeviceInfo device(int ordinal, String bus, String uuid) {
    return new CudaDeviceInfo(ordinal, "test", 1 << 20, bus, uuid);
  }

  /** CUDA counts the fastest first: the device of bus 2b is nvidia-smi's number 1. */
  private static final List<CudaDeviceInfo> MIXED =
      List.of(
          device(0, "0000:2b:00.0", "GPU-bbbb"),
          device(1, "0000:03:00.0", "GPU-aaaa"),
          device(2, "0000:9a:00.0", "GPU-cccc"));

  @Test
  void numbersCountInTheOrderOfTheBus() {
    assertThat(GpuAddress.ordinal("0", MIXED, null)).isEqualTo(1);
    assertThat(GpuAddress.ordinal(" 1 ", MIXED, null)).isZero();
    assertThat(GpuAddress.ordinal("2", MIXED, null)).isEqualTo(2);
  }

  @Test
  void aListOfVisibleDevicesSaysTheOrder() {
    List<CudaDeviceInfo> two = MIXED.subList(0, 2);
    assertThat(GpuAddress.ordinal("5", two, "7, 5")).isEqualTo(1);
    assertThat(GpuAddress.ordinal("7", two, "7, 5")).isZero();
    refused("0", two, "7, 5");
    // What is behind an invalid entry does not exist for CUDA.
    refused("5", two.subList(0, 1), "7,-1,5");
  }

  @Test
  void uuidsMayBeShortened() {
    assertThat(GpuAddress.ordinal("GPU-cccc", MIXED, null)).isEqualTo(2);
    assertThat(GpuAddress.ordinal("GPU-a", MIXED, "GPU-bbbb,GPU-aaaa,GPU-cccc")).isEqualTo(1);
    refused("GPU-dddd", MIXED, null);
  }

  @Test
  void whatIsNotThereIsNamed() {
    refused("3", MIXED, null);
    refused("-1", MIXED, null);
    refused("zero", MIXED, null);
  }

  private static void refused(
      String address, List<CudaDeviceInfo> devices, @Nullable String visible) {
    assertThatThrownBy(() -> GpuAddress.ordinal(address, devices, visible))
        .isInstanceOf(CudaUnavailableException.class)
        .hasMessageContaining("\"" + address + "\"")
        .hasMessageContaining("GPU-bbbb")
        .hasMessageContaining(visible == null ? "sees" : "CUDA_VISIBLE_DEVICES=" + visible);
  }

  @Test
  void uuidsAreWrittenAsNvidiaSmiDoes() {
    byte[] bytes = new byte[16];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (16 * i + i);
    }
    assertThat(CudaDeviceInfo.uuidText(bytes))
        .isEqualTo("GPU-00112233-4455-6677-8899-aabbccddeeff");
  }
}
