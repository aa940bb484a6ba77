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

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import jcuda.driver.CUdevice;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;

/**
 * What a device is, without opening it.
 *
 * @param ordinal its number in this process
 * @param name the model, for instance NVIDIA H200
 * @param totalBytes memory of the device
 * @param pciBusId place in the machine, for instance 0000:19:00.0; nvidia-smi counts in its order
 * @param uuid as nvidia-smi -L prints it, GPU- and 36 characters
 */
public record CudaDeviceInfo(
    int ordinal, String name, long totalBytes, String pciBusId, String uuid) {

  private static final int TEXT_BYTES = 256;

  static CudaDeviceInfo read(int ordinal) {
    CUdevice device = new CUdevice();
    CudaErrors.check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
    byte[] name = new byte[TEXT_BYTES];
    CudaErrors.check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
    long[] bytes = new long[1];
    CudaErrors.check(JCudaDriver.cuDeviceTotalMem(bytes, device), "cuDeviceTotalMem");
    String[] bus = new String[1];
    CudaErrors.check(
        JCudaDriver.cuDeviceGetPCIBusId(bus, TEXT_BYTES, device), "cuDeviceGetPCIBusId");
    CUuuid uuid = new CUuuid();
    CudaErrors.check(JCudaDriver.cuDeviceGetUuid(uuid, device), "cuDeviceGetUuid");
    return new CudaDeviceInfo(
        ordinal,
        new String(name, StandardCharsets.UTF_8).trim(),
        bytes[0],
        bus[0].trim(),
        uuidText(uuid.bytes));
  }

  /** Text of 16 bytes. */
  static String uuidText(byte[] bytes) {
    String hex = HexFormat.of().formatHex(bytes);
    return String.join(
        "-",
        "GPU",
        hex.substring(0, 8),
        hex.substring(8, 12),
        hex.substring(12, 16),
        hex.substring(16, 20),
        hex.substring(20));
  }

  @Override
  public String toString() {
    return "GPU %d (%s, %d bytes, %s)".formatted(ordinal, name, totalBytes, uuid);
  }
}
