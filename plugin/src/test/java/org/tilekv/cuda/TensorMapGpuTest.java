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

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class TensorMapGpuTest {
  private static final int ROWS = 64;
  private static final int COLUMNS = 128;

  @Test
  void aBoxIsCopied() {
    try (GpuFixture gpu = new GpuFixture()) {
      Assumptions.assumeTrue(Kernels.runsHopperOnly(gpu.device), "not a Hopper GPU");
      ByteBuffer values = GpuFixture.direct(ROWS * COLUMNS * 2);
      for (int i = 0; i < ROWS * COLUMNS; i++) {
        values.putShort(2 * i, (short) i);
      }
      try (CudaModule module = Kernels.load(gpu.device, "test_kernels_sm90a");
          DeviceMemory matrix = gpu.upload(values);
          DeviceMemory map = gpu.upload(map(matrix.address()).encode());
          DeviceMemory out = gpu.device.allocate(16 * 64 * 2, "test")) {
        KernelArguments arguments =
            new KernelArguments(4).setLong(0, out.address()).setLong(1, map.address());
        arguments.setInt(2, 64).setInt(3, 24);
        module.function("copy_box").launch(gpu.stream, 1, 1, 1, 128, 0, arguments);
        ByteBuffer box = gpu.downloadBytes(out);
        for (int row = 0; row < 16; row++) {
          for (int column = 0; column < 64; column++) {
            int unit = (column / 8) ^ (row % 8);
            assertThat(box.getShort(2 * (row * 64 + unit * 8 + column % 8)))
                .isEqualTo((short) ((24 + row) * COLUMNS + 64 + column));
          }
        }
      }
    }
  }

  @Test
  void whatTheDriverRefusesIsNamed() {
    try (GpuFixture gpu = new GpuFixture()) {
      assertThatThrownBy(() -> map(8).encode())
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("address=8");
    }
  }

  private static TensorMap map(long address) {
    return new TensorMap(GemmType.BFLOAT16, address, ROWS, COLUMNS, 16, 64);
  }
}
