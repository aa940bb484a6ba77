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

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("gpu")
class CublasGpuTest {

  @ParameterizedTest
  @CsvSource({
    "1, 64, 64, FLOAT32, FLOAT32",
    "7, 40, 24, FLOAT32, FLOAT32",
    "65, 128, 512, FLOAT32, FLOAT32",
    "1, 64, 64, BFLOAT16, BFLOAT16",
    "7, 40, 24, BFLOAT16, FLOAT32",
    "65, 128, 512, BFLOAT16, BFLOAT16",
    "65, 128, 512, BFLOAT16, FLOAT32",
    "7, 40, 24, FLOAT16, FLOAT16",
    "65, 128, 512, FLOAT16, FLOAT32",
  })
  void productsAgreeWithJava(int m, int n, int k, GemmType input, GemmType output) {
    Random random = new Random(m * 31L + n);
    Matrix a = Matrix.random(random, m, k, input);
    Matrix b = Matrix.random(random, n, k, input);
    Matrix bias = Matrix.random(random, 1, n, output);
    try (GpuFixture gpu = new GpuFixture();
        Cublas cublas = Cublas.open(gpu.stream);
        DeviceMemory deviceA = gpu.upload(a.bytes());
        DeviceMemory deviceB = gpu.upload(b.bytes());
        DeviceMemory deviceBias = gpu.upload(bias.bytes());
        DeviceMemory c = gpu.device.allocate((long) m * n * output.bytes(), "test")) {
      GemmShape shape = GemmShape.of(m, n, k, input, output);
      gpu.stream.fill(c.address(), (byte) -1, c.bytes());
      cublas.gemm(shape, 1, deviceA.address(), deviceB.address(), 0, c.address());
      ByteBuffer first = gpu.downloadBytes(c);
      Matrix.product(a, b, null, 1).check(first, output);
      cublas.gemm(shape, 1, deviceA.address(), deviceB.address(), 0, c.address());
      assertThat(gpu.downloadBytes(c)).as("same bits again").isEqualTo(first);
      try (MatmulPlan plan = cublas.plan(shape, true);
          MatmulPlan plain = cublas.plan(shape, false)) {
        plan.run(deviceA.address(), deviceB.address(), deviceBias.address(), c.address());
        Matrix.product(a, b, bias, 1).check(gpu.downloadBytes(c), output);
        plain.run(deviceA.address(), deviceB.address(), 0, c.address());
        Matrix.product(a, b, null, 1).check(gpu.downloadBytes(c), output);
      }
    }
  }

  @Test
  void alphaBetaAndStrides() {
    Random random = new Random(5);
    Matrix a = Matrix.random(random, 8, 32, GemmType.FLOAT32);
    Matrix b = Matrix.random(random, 16, 32, GemmType.FLOAT32);
    try (GpuFixture gpu = new GpuFixture();
        Cublas cublas = Cublas.open(gpu.stream);
        DeviceMemory deviceA = gpu.upload(a.bytes());
        DeviceMemory deviceB = gpu.upload(b.bytes());
        DeviceMemory c = gpu.upload(new float[8 * 20])) {
      GemmShape shape = new GemmShape(8, 16, 32, GemmType.FLOAT32, GemmType.FLOAT32, 32, 32, 20);
      cublas.gemm(shape, 0.5f, deviceA.address(), deviceB.address(), 0, c.address());
      cublas.gemm(shape, 0.5f, deviceA.address(), deviceB.address(), 1, c.address());
      float[] strided = gpu.download(c);
      ByteBuffer dense = GpuFixture.direct(4 * 8 * 16);
      for (int row = 0; row < 8; row++) {
        for (int column = 0; column < 20; column++) {
          if (column < 16) {
            dense.putFloat(strided[row * 20 + column]);
          } else {
            assertThat(strided[row * 20 + column]).isZero();
          }
        }
      }
      Matrix.product(a, b, null, 1).check(dense.rewind(), GemmType.FLOAT32);
    }
  }

  @Test
  void productsAreCapturedInGraphs() {
    Random random = new Random(6);
    Matrix a = Matrix.random(random, 64, 256, GemmType.BFLOAT16);
    Matrix b = Matrix.random(random, 128, 256, GemmType.BFLOAT16);
    GemmShape shape = GemmShape.of(64, 128, 256, GemmType.BFLOAT16, GemmType.BFLOAT16);
    try (GpuFixture gpu = new GpuFixture();
        Cublas cublas = Cublas.open(gpu.stream);
        MatmulPlan plan = cublas.plan(shape, false);
        DeviceMemory deviceA = gpu.upload(a.bytes());
        DeviceMemory deviceB = gpu.upload(b.bytes());
        DeviceMemory c = gpu.device.allocate(64 * 128 * 2, "test");
        DeviceMemory d = gpu.device.allocate(64 * 128 * 2, "test");
        CudaGraph graph =
            gpu.stream.capture(
                () -> {
                  cublas.gemm(shape, 1, deviceA.address(), deviceB.address(), 0, c.address());
                  plan.run(deviceA.address(), deviceB.address(), 0, d.address());
                })) {
      gpu.stream.launch(graph);
      Matrix.product(a, b, null, 1).check(gpu.downloadBytes(c), GemmType.BFLOAT16);
      Matrix.product(a, b, null, 1).check(gpu.downloadBytes(d), GemmType.BFLOAT16);
    }
  }

  @Test
  void largeProductsAreFast() {
    int n = 4096;
    GemmShape shape = GemmShape.of(n, n, n, GemmType.BFLOAT16, GemmType.BFLOAT16);
    Random random = new Random(7);
    try (GpuFixture gpu = new GpuFixture();
        Cublas cublas = Cublas.open(gpu.stream);
        MatmulPlan plan = cublas.plan(shape, false);
        CudaEvent start = gpu.device.createEvent(true);
        CudaEvent end = gpu.device.createEvent(true);
        DeviceMemory a = gpu.upload(Matrix.random(random, n, n, GemmType.BFLOAT16).bytes());
        DeviceMemory b = gpu.upload(Matrix.random(random, n, n, GemmType.BFLOAT16).bytes());
        DeviceMemory c = gpu.device.allocate(2L * n * n, "test")) {
      Runnable gemm = () -> cublas.gemm(shape, 1, a.address(), b.address(), 0, c.address());
      Runnable matmul = () -> plan.run(a.address(), b.address(), 0, c.address());
      for (Runnable product : java.util.List.of(gemm, gemm, matmul, matmul)) {
        gpu.stream.record(start);
        for (int i = 0; i < 20; i++) {
          product.run();
        }
        gpu.stream.record(end);
        end.synchronize();
        System.out.printf(
            "cuBLAS %d, 4096^3 bf16: %.0f TFLOP/s%n",
            cublas.version(), 20 * 2.0 * n * n * n / end.elapsedMs(start) / 1e9);
      }
    }
  }
}
