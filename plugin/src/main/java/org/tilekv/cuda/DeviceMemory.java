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

import jcuda.driver.JCudaDriver;

/**
 * A piece of device memory, aligned to 256 bytes at least. Close it only after the device is done
 * with it: closing waits for no stream. Thread-safe.
 */
public final class DeviceMemory extends CudaResource {
  private final Handles.DeviceAddress pointer;
  private final long bytes;
  private final String tag;

  private DeviceMemory(CudaDevice device, Handles.DeviceAddress pointer, long bytes, String tag) {
    super(device);
    this.pointer = pointer;
    this.bytes = bytes;
    this.tag = tag;
  }

  static DeviceMemory allocate(CudaDevice device, long bytes, String tag) {
    if (bytes <= 0) {
      throw new IllegalArgumentException(tag + ": " + bytes + " bytes, must be positive");
    }
    device.makeCurrent();
    Handles.DeviceAddress pointer = new Handles.DeviceAddress();
    device.checkAllocation(JCudaDriver.cuMemAlloc(pointer, bytes), "cuMemAlloc", bytes, tag);
    device.counters().addDeviceBytes(tag, bytes);
    return new DeviceMemory(device, pointer, bytes, tag);
  }

  /** Device address of the first byte. */
  public long address() {
    requireOpen();
    return pointer.raw();
  }

  /** Size. */
  public long bytes() {
    return bytes;
  }

  @Override
  void release() {
    device.counters().addDeviceBytes(tag, -bytes);
    CudaErrors.check(JCudaDriver.cuMemFree(pointer), "cuMemFree");
  }

  @Override
  public String toString() {
    return "device memory " + tag + " of " + bytes + " bytes";
  }
}
