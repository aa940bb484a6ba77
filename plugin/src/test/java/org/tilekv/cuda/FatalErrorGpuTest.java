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

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A broken context breaks its process, so another process breaks it. */
@Tag("gpu")
class FatalErrorGpuTest {

  @Test
  void anIllegalAddressIsFatal() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Victim.class.getName())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output)
        .contains("first: cuStreamSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS (700)")
        .contains("again: org.tilekv.cuda.FatalCudaException")
        .contains("cublas: org.tilekv.cuda.FatalCudaException");
  }

  /** Writes to an address that is not there, then tries to go on. */
  static final class Victim {
    private Victim() {}

    public static void main(String[] args) {
      GpuFixture gpu = new GpuFixture();
      Cublas cublas = Cublas.open(gpu.stream);
      gpu.kernels
          .function("poke")
          .launch(gpu.stream, 1, 1, 1, 1, 0, new KernelArguments(1).setLong(0, 64));
      try {
        gpu.stream.synchronize();
      } catch (FatalCudaException e) {
        System.out.println("first: " + e.getMessage());
      }
      try {
        gpu.device.allocate(64, "test");
      } catch (CudaException e) {
        System.out.println("again: " + e);
      }
      GemmShape shape = GemmShape.of(8, 8, 8, GemmType.FLOAT32, GemmType.FLOAT32);
      try {
        cublas.gemm(shape, 1, 64, 64, 0, 64);
        gpu.stream.synchronize();
      } catch (CudaException e) {
        System.out.println("cublas: " + e);
      }
      Runtime.getRuntime().halt(0);
    }
  }
}
