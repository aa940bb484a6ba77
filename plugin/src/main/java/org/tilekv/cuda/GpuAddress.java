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

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the device that a cluster manager means. It counts as nvidia-smi does: all devices of the
 * machine, in the order of their bus. A process counts those that it sees, and by default the
 * fastest first.
 */
final class GpuAddress {

  static final String VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES";
  private static final String UUID = "GPU-";

  private GpuAddress() {}

  /**
   * The ordinal of an address.
   *
   * @param address a number, or a UUID or the beginning of one
   * @param devices what the process sees
   * @param visible value of CUDA_VISIBLE_DEVICES, or null
   * @throws CudaUnavailableException if the process does not see it
   */
  static int ordinal(String address, List<CudaDeviceInfo> devices, @Nullable String visible) {
    String wanted = address.trim();
    if (wanted.startsWith(UUID)) {
      return devices.stream()
          .filter(device -> device.uuid().startsWith(wanted))
          .map(CudaDeviceInfo::ordinal)
          .findFirst()
          .orElseThrow(() -> unseen(address, devices, visible));
    }
    int index = indexOf(wanted, visible);
    if (index < 0 || index >= devices.size()) {
      throw unseen(address, devices, visible);
    }
    // A list says the order itself; without one the bus does.
    return visible == null
        ? devices.stream()
            .sorted(Comparator.comparing(CudaDeviceInfo::pciBusId))
            .toList()
            .get(index)
            .ordinal()
        : index;
  }

  private static int indexOf(String number, @Nullable String visible) {
    if (visible != null) {
      return Arrays.stream(visible.split(",")).map(String::trim).toList().indexOf(number);
    }
    try {
      return Integer.parseInt(number);
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private static CudaUnavailableException unseen(
      String address, List<CudaDeviceInfo> devices, @Nullable String visible) {
    return new CudaUnavailableException(
        "the GPU with address \""
            + address
            + "\" is not one that this process sees: "
            + devices
            + (visible == null ? "" : " with " + VISIBLE_DEVICES + "=" + visible));
  }
}
