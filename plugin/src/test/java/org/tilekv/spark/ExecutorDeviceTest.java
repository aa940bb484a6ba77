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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.resource.ResourceInformation;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.TileKvException;
import org.tilekv.config.Device;
import org.tilekv.config.TileKvConfig;
import org.tilekv.engine.DeviceChoice;
import org.tilekv.engine.ModelRuntime;
import org.tilekv.engine.RuntimeOptions;

/** Where an executor's models run, and what they get there. */
class ExecutorDeviceTest {

  private final List<String> warnings = new ArrayList<>();

  private static TileKvConfig config(String... keysAndValues) {
    Map<String, String> entries = new HashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      entries.put("spark.tilekv." + keysAndValues[i], keysAndValues[i + 1]);
    }
    return TileKvConfig.parse(entries);
  }

  private static Map<String, ResourceInformation> gpus(String... addresses) {
    return Map.of("gpu", new ResourceInformation("gpu", addresses));
  }

  private ExecutorDevice of(
      TileKvConfig config, Map<String, ResourceInformation> resources, Gpus gpus) {
    return ExecutorDevice.of(config, resources, gpus, warnings::add);
  }

  @Test
  void autoWithoutAGpuTakesTheCpuAndWarnsOnce() {
    ExecutorDevice device = of(config(), Map.of(), FakeGpus.NONE);
    assertThat(device.choice()).isEqualTo(DeviceChoice.CPU);
    assertThat(device.device()).isEqualTo(Device.CPU);
    assertThat(warnings)
        .singleElement()
        .asString()
        .contains("run on the CPU", "spark.tilekv.device is auto", "this is a test");
  }

  @Test
  void onAMachineWithoutCudaTheReasonIsItsOwn() {
    String reason = Gpus.CUDA.unavailableReason();
    Assumptions.assumeTrue(reason != null, "CUDA is available");
    assertThat(of(config(), gpus("0"), Gpus.CUDA).choice()).isEqualTo(DeviceChoice.CPU);
    assertThat(warnings).singleElement().asString().contains(String.valueOf(reason));
    assertThatThrownBy(() -> of(config("device", "gpu"), gpus("0"), Gpus.CUDA))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void gpuWithoutAGpuIsRefused() {
    assertThatThrownBy(() -> of(config("device", "gpu"), Map.of(), FakeGpus.NONE))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessageContaining("spark.tilekv.device is gpu")
        .hasMessageContaining("this is a test");
    assertThat(warnings).isEmpty();
  }

  @Test
  void cpuDoesNotAskForGpus() {
    Gpus untouchable = new FakeGpus("not to be asked");
    assertThat(of(config("device", "cpu"), gpus("1"), untouchable).choice())
        .isEqualTo(DeviceChoice.CPU);
    assertThat(warnings).isEmpty();
  }

  @Test
  void sparkSaysWhichGpu() {
    assertThat(of(config(), gpus("1"), FakeGpus.TWO).choice().ordinal()).isEqualTo(1);
    assertThat(of(config(), Map.of(), FakeGpus.TWO).choice().ordinal()).isZero();
    assertThat(warnings).isEmpty();
    assertThat(of(config(), gpus("1", "0"), FakeGpus.TWO).choice().ordinal()).isEqualTo(1);
    assertThat(warnings).singleElement().asString().contains("[1, 0]");
  }

  @Test
  void poolsGetBytesOrAShareOfTheDevice() {
    ExecutorDevice share = of(config("pool.deviceFraction", "0.45"), Map.of(), FakeGpus.TWO);
    assertThat(share.choice()).isEqualTo(DeviceChoice.gpu(0, 0, 0.45));
    assertThat(share.poolBytes()).isEqualTo(450);
    ExecutorDevice bytes = of(config("pool.bytes", "300b"), Map.of(), FakeGpus.TWO);
    assertThat(bytes.choice()).isEqualTo(DeviceChoice.gpu(0, 300, 0.9));
    assertThat(bytes.poolBytes()).isEqualTo(900);
    assertThat(of(config("pool.bytes", "2k"), Map.of(), FakeGpus.TWO).poolBytes()).isEqualTo(2048);
  }

  @Test
  void anExecutorWithoutAGpuTakesItsShareOfTheHeapWherePoolBytesAreForGpus() {
    TileKvConfig large = config("pool.bytes", "100k");
    assertThat(RuntimeSettings.options(large, 1, 1000, DeviceChoice.CPU).poolBytes())
        .isEqualTo(400);
    assertThat(RuntimeSettings.poolBudgetBytes(large, 1000)).isEqualTo(400);
    TileKvConfig cpu = config("pool.bytes", "100k", "device", "cpu");
    assertThat(RuntimeSettings.options(cpu, 1, 1000, DeviceChoice.CPU).poolBytes())
        .isEqualTo(102_400);
  }

  @Test
  void aModelThatCannotRunOnTheGpuRunsOnTheCpuWithOneWarning() {
    RuntimeOptions onGpu =
        RuntimeSettings.options(config().on(Device.GPU), 1, 1000, DeviceChoice.gpu(0, 0, 0.9));
    RuntimeOptions onCpu = RuntimeSettings.options(config(), 1, 1000, DeviceChoice.CPU);
    FakeRuntime runtime = new FakeRuntime();
    List<RuntimeOptions> asked = new ArrayList<>();
    RuntimeOpener opener =
        (model, options) -> {
          asked.add(options);
          if (options.device().isGpu()) {
            throw new DeviceUnavailableException("no kernels");
          }
          return runtime;
        };
    try (ModelRuntime opened =
        new FallbackOpener(opener, onCpu, warnings::add).open(Path.of("/m"), onGpu)) {
      assertThat(opened).isSameAs(runtime);
    }
    assertThat(asked).containsExactly(onGpu, onCpu);
    assertThat(onGpu.engine().maxBatchRows()).isEqualTo(256);
    assertThat(onCpu.engine().maxBatchRows()).isEqualTo(32);
    assertThat(warnings).containsExactly("model /m runs on the CPU: no kernels");
  }

  @Test
  void otherRefusalsAreNotTriedAgain() {
    RuntimeOptions onGpu =
        RuntimeSettings.options(config().on(Device.GPU), 1, 1000, DeviceChoice.gpu(0, 0, 0.9));
    RuntimeOpener opener =
        (model, options) -> {
          throw new TileKvException("a tensor is missing");
        };
    assertThatThrownBy(
            () -> new FallbackOpener(opener, onGpu, warnings::add).open(Path.of("/m"), onGpu))
        .hasMessage("a tensor is missing");
    assertThat(warnings).isEmpty();
  }
}
