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

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.spark.resource.ResourceInformation;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.config.Device;
import org.tilekv.config.Settings;
import org.tilekv.config.TileKvConfig;
import org.tilekv.cuda.CudaDeviceInfo;
import org.tilekv.engine.DeviceChoice;

/**
 * Where the models of one executor run, settled when it starts.
 *
 * @param choice CPU or GPU
 * @param poolBytes bytes for its pools on the GPU; 0 on a CPU
 * @param text for logs
 */
record ExecutorDevice(DeviceChoice choice, long poolBytes, String text) {

  private static final String RESOURCE = "gpu";
  private static final ExecutorDevice CPU = new ExecutorDevice(DeviceChoice.CPU, 0, "the CPU");

  Device device() {
    return choice.isGpu() ? Device.GPU : Device.CPU;
  }

  /**
   * Takes the GPU that Spark gave this executor; where Spark manages none, as in local mode, the
   * first one.
   *
   * @param resources what Spark gave
   * @param warn told once why an executor that may have a GPU does without
   * @throws DeviceUnavailableException where {@code device} is {@code gpu} and there is none
   */
  static ExecutorDevice of(
      TileKvConfig config,
      Map<String, ResourceInformation> resources,
      Gpus gpus,
      Consumer<String> warn) {
    Device wanted = config.get(Settings.DEVICE);
    if (wanted == Device.CPU) {
      return CPU;
    }
    try {
      return gpu(config, find(resources, gpus, warn));
    } catch (DeviceUnavailableException e) {
      if (wanted == Device.GPU) {
        throw new DeviceUnavailableException(
            Settings.DEVICE
                + " is gpu, and this executor has none that it can use: "
                + e.getMessage(),
            e);
      }
      warn.accept(
          "models run on the CPU, because this executor has no GPU that it can use ("
              + Settings.DEVICE
              + " is auto): "
              + e.getMessage());
      return CPU;
    }
  }

  private static CudaDeviceInfo find(
      Map<String, ResourceInformation> resources, Gpus gpus, Consumer<String> warn) {
    String reason = gpus.unavailableReason();
    if (reason != null) {
      throw new DeviceUnavailableException(reason);
    }
    ResourceInformation given = resources.get(RESOURCE);
    List<String> addresses = given == null ? List.of() : List.of(given.addresses());
    if (addresses.size() > 1) {
      warn.accept("an executor uses one GPU; of " + addresses + " it is the first");
    }
    int ordinal = addresses.isEmpty() ? 0 : gpus.ordinalOf(addresses.get(0));
    return gpus.devices().get(ordinal);
  }

  private static ExecutorDevice gpu(TileKvConfig config, CudaDeviceInfo device) {
    double share = config.get(Settings.POOL_DEVICE_FRACTION);
    long shareBytes = (long) (device.totalBytes() * share);
    long poolBytes = config.find(Settings.POOL_BYTES).orElse(0L);
    return new ExecutorDevice(
        DeviceChoice.gpu(device.ordinal(), poolBytes, share),
        Math.max(shareBytes, poolBytes),
        device.toString());
  }
}
