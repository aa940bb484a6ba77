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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.driver.JCudaDriver;

/**
 * A piece of page-locked host memory: copies to and from a device run at the speed of the link and
 * in the background, and kernels can read and write it at the same address. Thread-safe.
 */
public final class PinnedMemory extends CudaResource {
  /** Largest piece: 1 GiB. */
  public static final long MAX_BYTES = 1L << 30;

  private final Handles.HostAddress pointer;
  private final long bytes;
  private final String tag;

  private PinnedMemory(CudaDevice device, Handles.HostAddress pointer, long bytes, String tag) {
    super(device);
    this.pointer = pointer;
    this.bytes = bytes;
    this.tag = tag;
  }

  static PinnedMemory allocate(CudaDevice device, long bytes, String tag) {
    if (bytes <= 0 || bytes > MAX_BYTES) {
      throw new IllegalArgumentException(
          tag + ": " + bytes + " bytes of pinned memory, must be 1 to " + MAX_BYTES);
    }
    device.makeCurrent();
    Handles.HostAddress pointer = new Handles.HostAddress();
    device.checkAllocation(
        JCudaDriver.cuMemHostAlloc(pointer, bytes, JCudaDriver.CU_MEMHOSTALLOC_PORTABLE),
        "cuMemHostAlloc",
        bytes,
        tag);
    device.counters().addPinnedBytes(tag, bytes);
    return new PinnedMemory(device, pointer, bytes, tag);
  }

  /** Host address of the first byte; the device sees the memory at the same address. */
  public long address() {
    requireOpen();
    return pointer.raw();
  }

  /** Size. */
  public long bytes() {
    return bytes;
  }

  /**
   * A new view of all bytes in the machine's byte order. It must not be used after {@link #close}.
   */
  public ByteBuffer buffer() {
    requireOpen();
    return pointer.getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  void release() {
    device.counters().addPinnedBytes(tag, -bytes);
    CudaErrors.check(JCudaDriver.cuMemFreeHost(pointer), "cuMemFreeHost");
  }

  @Override
  public String toString() {
    return "pinned memory " + tag + " of " + bytes + " bytes";
  }
}
