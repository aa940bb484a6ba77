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
package org.tilekv.engine;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaOutOfMemoryException;
import org.tilekv.cuda.DeviceMemory;

/** Takes all memory of a device, and holds it until its input ends. */
final class DeviceMemoryHog {
  private static final long LARGEST = 4L << 30;
  private static final long SMALLEST = 64L << 10;

  private DeviceMemoryHog() {}

  public static void main(String[] args) throws IOException {
    try (CudaDevice device = CudaDevice.open(0)) {
      List<DeviceMemory> held = new ArrayList<>();
      for (long bytes = LARGEST; bytes >= SMALLEST; bytes /= 2) {
        take(device, bytes, held);
      }
      System.out.printf(
          "holding %d bytes, %d free%n", device.usage().totalDeviceBytes(), device.freeBytes());
      while (System.in.read() >= 0) {
        // Until the end.
      }
      held.forEach(DeviceMemory::close);
    }
  }

  private static void take(CudaDevice device, long bytes, List<DeviceMemory> held) {
    while (true) {
      try {
        held.add(device.allocate(bytes, "hog"));
      } catch (CudaOutOfMemoryException e) {
        return;
      }
    }
  }
}
