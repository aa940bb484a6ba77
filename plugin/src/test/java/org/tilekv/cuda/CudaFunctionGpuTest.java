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

import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("gpu")
class CudaFunctionGpuTest {
  private static final int N = 10_000;

  @Test
  void aKernelComputes() {
    try (GpuFixture gpu = new GpuFixture()) {
      checkScaleAdd(gpu, gpu.kernels);
    }
  }

  @Test
  void nvrtcMakesMachineCodeAndPtx() {
    assertThat(Nvrtc.unavailableReason()).isNull();
    try (GpuFixture gpu = new GpuFixture()) {
      KernelSource source = requireNonNull(KernelSource.find("test_kernels"));
      int capability = gpu.device.computeCapability();
      for (String arch : List.of("sm_" + capability, "compute_80")) {
        byte[] image =
            Nvrtc.compile("test_kernels.cu", source.text(), source.headers(), arch, List.of());
        try (CudaModule module = gpu.device.load(image)) {
          checkScaleAdd(gpu, module);
        }
      }
    }
  }

  @Test
  void nvrtcCompilesOurKernels() throws Exception {
    URL folder = requireNonNull(Kernels.class.getResource("kernels/decoder_ops.cu"));
    try (Stream<Path> files = Files.list(requireNonNull(Path.of(folder.toURI()).getParent()))) {
      List<String> modules =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(".cu"))
              .map(name -> name.substring(0, name.length() - 3))
              .toList();
      assertThat(modules).contains("attention_prefill", "decoder_ops");
      assertThat(modules)
          .allSatisfy(name -> assertThat(Kernels.compile(90, name, "on purpose")).isNotEmpty());
    }
  }

  @Test
  void nvrtcSaysWhatDoesNotCompile() {
    assertThatThrownBy(
            () -> Nvrtc.compile("bad.cu", "void f() { nonsense }", Map.of(), "sm_90", List.of()))
        .isInstanceOf(CudaException.class)
        .hasMessageContaining("compiling bad.cu")
        .hasMessageContaining("nonsense");
  }

  @Test
  void ourModulesLoad() {
    try (GpuFixture gpu = new GpuFixture();
        CudaModule module = Kernels.load(gpu.device, "attention_prefill")) {
      CudaFunction function = module.function("tilekv_prefill_bf16_d128");
      function.allowSharedBytes(69632);
      assertThat(function.registers()).isBetween(16, 255);
      assertThat(function.localBytes()).isZero();
      assertThat(function.blocksPerMultiprocessor(128, 69632)).isPositive();
    }
  }

  @Test
  void aMissingKernelAndABadImageAreNamed() {
    try (GpuFixture gpu = new GpuFixture()) {
      assertThatThrownBy(() -> gpu.kernels.function("no_such_kernel"))
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("no_such_kernel");
      byte[] ptx = ".version 7.0\n.target sm_80\nnonsense".getBytes(StandardCharsets.UTF_8);
      assertThatThrownBy(() -> gpu.device.load(ptx))
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("CUDA_ERROR_INVALID_PTX")
          .hasMessageContaining("line 3");
      assertThatThrownBy(() -> Kernels.load(gpu.device, "no_such_module"))
          .isInstanceOf(CudaUnavailableException.class)
          .hasMessageContaining("no_such_module");
    }
  }

  @Test
  void largeSharedMemoryHasToBeAllowed() {
    int n = 20_000;
    try (GpuFixture gpu = new GpuFixture();
        DeviceMemory in = gpu.upload(GpuFixture.random(new Random(3), n));
        DeviceMemory out = gpu.device.allocate(4L * n, "test")) {
      CudaFunction reverse = gpu.kernels.function("reverse_in_shared");
      KernelArguments arguments =
          new KernelArguments(3).setLong(0, out.address()).setLong(1, in.address()).setInt(2, n);
      assertThatThrownBy(() -> reverse.launch(gpu.stream, 1, 1, 1, 256, 4 * n, arguments))
          .isInstanceOf(CudaException.class)
          .hasMessageContaining("reverse_in_shared")
          .hasMessageContaining("shared 80000");
      reverse.allowSharedBytes(4 * n).launch(gpu.stream, 1, 1, 1, 256, 4 * n, arguments);
      float[] before = gpu.download(in);
      float[] after = gpu.download(out);
      assertThat(after[0]).isEqualTo(before[n - 1]);
      assertThat(after[n - 1]).isEqualTo(before[0]);
      assertThatThrownBy(() -> reverse.allowSharedBytes(1 << 30))
          .hasMessageContaining("the device allows");
    }
  }

  @Test
  void blocksOfACooperativeLaunchMeet() {
    try (GpuFixture gpu = new GpuFixture();
        DeviceMemory counts = gpu.device.allocate(8, "test")) {
      int blocks = gpu.device.multiprocessors();
      gpu.stream.fill(counts.address(), (byte) 0, 8);
      gpu.kernels
          .function("meet")
          .launchCooperative(
              gpu.stream,
              blocks,
              1,
              1,
              32,
              0,
              new KernelArguments(2).setLong(0, counts.address()).setLong(1, counts.address() + 4));
      assertThat(gpu.downloadBytes(counts).getInt(4)).isEqualTo(blocks);
    }
  }

  @Test
  void launchesAreCheap() {
    try (GpuFixture gpu = new GpuFixture();
        DeviceMemory y = gpu.upload(new float[1])) {
      CudaFunction kernel = gpu.kernels.function("scale_add");
      KernelArguments arguments =
          new KernelArguments(4).setLong(0, y.address()).setLong(1, y.address()).setInt(3, 1);
      int launches = 20_000;
      for (int round = 0; round < 2; round++) {
        long start = System.nanoTime();
        for (int i = 0; i < launches; i++) {
          kernel.launch(gpu.stream, 1, 1, 1, 32, 0, arguments);
        }
        gpu.stream.synchronize();
        System.out.printf("launch %.2f us%n", (System.nanoTime() - start) / 1e3 / launches);
      }
    }
  }

  private static void checkScaleAdd(GpuFixture gpu, CudaModule module) {
    Random random = new Random(2);
    float[] x = GpuFixture.random(random, N);
    float[] y = GpuFixture.random(random, N);
    try (DeviceMemory deviceX = gpu.upload(x);
        DeviceMemory deviceY = gpu.upload(y)) {
      KernelArguments arguments =
          new KernelArguments(4)
              .setLong(0, deviceY.address())
              .setLong(1, deviceX.address())
              .setFloat(2, 0.5f)
              .setInt(3, N);
      module.function("scale_add").launch(gpu.stream, (N + 255) / 256, 1, 1, 256, 0, arguments);
      float[] got = gpu.download(deviceY);
      for (int i = 0; i < N; i++) {
        assertThat(got[i]).isEqualTo(Math.fma(0.5f, x[i], y[i]));
      }
    }
  }
}
