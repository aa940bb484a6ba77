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

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What needs no device: errors, shapes, argument blocks, sources. */
class CudaValuesTest {

  @Test
  void errorsHaveTheirKind() {
    CudaErrors.check(0, "cuInit");
    assertThatThrownBy(() -> CudaErrors.check(1, "cuMemAlloc"))
        .isExactlyInstanceOf(CudaException.class)
        .hasMessage("cuMemAlloc failed: CUDA_ERROR_INVALID_VALUE (1)");
    assertThatThrownBy(() -> CudaErrors.check(2, "cuMemAlloc"))
        .isExactlyInstanceOf(CudaOutOfMemoryException.class);
    for (int code : new int[] {4, 46, 214, 220, 226, 700, 702, 709, 710, 714, 715, 716, 719, 999}) {
      assertThatThrownBy(() -> CudaErrors.check(code, "x"))
          .isExactlyInstanceOf(FatalCudaException.class);
    }
    for (int code : new int[] {1, 100, 200, 201, 209, 222, 400, 600, 701, 720, 801, 900, 907}) {
      assertThatThrownBy(() -> CudaErrors.check(code, "x"))
          .isExactlyInstanceOf(CudaException.class);
    }
  }

  @Test
  void argumentsLieWhereTheTablePoints() {
    KernelArguments arguments =
        new KernelArguments(3).setLong(0, 1L << 40).setInt(1, -5).setFloat(2, 0.5f);
    Pointer table = new Pointer(arguments.address());
    assertThat(table.getPointer(0).getLong(0)).isEqualTo(1L << 40);
    assertThat(table.getPointer(8).getInt(0)).isEqualTo(-5);
    assertThat(table.getPointer(16).getFloat(0)).isEqualTo(0.5f);
    assertThatThrownBy(() -> arguments.setInt(3, 0)).hasMessage("argument 3 of 3");
    assertThat(new KernelArguments(0).address()).isNotZero();
  }

  @Test
  void addressesAreOfDirectBuffers() {
    ByteBuffer direct = ByteBuffer.allocateDirect(16);
    assertThat(Cuda.addressOf(direct.slice(4, 8))).isEqualTo(Cuda.addressOf(direct) + 4);
    assertThatThrownBy(() -> Cuda.addressOf(ByteBuffer.allocate(16)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shapesAreChecked() {
    assertThatThrownBy(() -> GemmShape.of(0, 8, 8, GemmType.FLOAT32, GemmType.FLOAT32))
        .hasMessage("m, n and k must be positive, are 0, 8, 8");
    assertThatThrownBy(() -> GemmShape.of(8, 8, 8, GemmType.FLOAT16, GemmType.BFLOAT16))
        .hasMessage("output BFLOAT16 of input FLOAT16, must be the same or FLOAT32");
    assertThatThrownBy(() -> new GemmShape(8, 8, 16, GemmType.FLOAT32, GemmType.FLOAT32, 8, 16, 8))
        .hasMessageContaining("strides must be at least k, k and n");
  }

  @Test
  void usageListsWhatIsOpen() {
    ResourceCounters counters = new ResourceCounters();
    counters.addDeviceBytes("tiles", 100);
    counters.addDeviceBytes("weights", 10);
    counters.addDeviceBytes("weights", -10);
    counters.add(ResourceCounters.Kind.GRAPH, 2);
    CudaUsage usage = counters.snapshot();
    assertThat(usage.deviceBytes()).isEqualTo(Map.of("tiles", 100L));
    assertThat(usage.totalDeviceBytes()).isEqualTo(100);
    assertThat(usage.isEmpty()).isFalse();
    assertThat(usage).asString().contains("tiles=100").contains("graphs 2");
  }

  @Test
  void sourcesComeWithTheirHeaders() {
    KernelSource source = requireNonNull(KernelSource.find("test_kernels"));
    assertThat(source.text()).contains("scale_add");
    assertThat(source.headers()).containsOnlyKeys("tilekv_test/scale.cuh");
    assertThat(requireNonNull(KernelSource.find("decoder_ops")).headers().keySet())
        .allMatch(name -> name.startsWith("tilekv/"))
        .hasSizeGreaterThan(3);
    assertThat(KernelSource.find("no_such_module")).isNull();
  }
}
