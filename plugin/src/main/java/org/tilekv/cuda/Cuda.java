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

import com.sun.jna.Native;
import java.nio.Buffer;
import java.util.List;
import java.util.stream.IntStream;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/** Whether CUDA is usable in this process, and what is not bound to a device. Thread-safe. */
public final class Cuda {
  private Cuda() {}

  /** Probes once, when it is first asked. */
  private static final class Probe {
    static final @Nullable String REASON = probe();
  }

  /**
   * Why CUDA cannot be used here, in one line: no driver, no device, no native binding. Null if it
   * can. Never throws; the answer is found once and stays.
   */
  public static @Nullable String unavailableReason() {
    return Probe.REASON;
  }

  /**
   * Number of devices of this process.
   *
   * @throws CudaUnavailableException if CUDA cannot be used
   */
  public static int deviceCount() {
    requireAvailable();
    int[] count = new int[1];
    CudaErrors.check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
    return count[0];
  }

  /**
   * The devices of this process, by ordinal; takes no context.
   *
   * @throws CudaUnavailableException if CUDA cannot be used
   */
  public static List<CudaDeviceInfo> devices() {
    int count = deviceCount();
    return IntStream.range(0, count).mapToObj(CudaDeviceInfo::read).toList();
  }

  /**
   * Ordinal of the device that a cluster manager means by an address: a number as nvidia-smi counts
   * them, or a UUID. Knows CUDA_VISIBLE_DEVICES.
   *
   * @throws CudaUnavailableException if CUDA cannot be used, or this process does not see it
   */
  public static int ordinalOf(String address) {
    return GpuAddress.ordinal(address, devices(), System.getenv(GpuAddress.VISIBLE_DEVICES));
  }

  /** What is open now on all devices of this process. */
  public static CudaUsage usage() {
    return ResourceCounters.PROCESS.snapshot();
  }

  /**
   * Address of a direct buffer's first byte, whatever its position. The caller keeps the buffer
   * reachable while the address is in use.
   */
  public static long addressOf(Buffer direct) {
    if (!direct.isDirect()) {
      throw new IllegalArgumentException("a heap buffer has no fixed address: " + direct);
    }
    return com.sun.jna.Pointer.nativeValue(Native.getDirectBufferPointer(direct));
  }

  static void requireAvailable() {
    String reason = unavailableReason();
    if (reason != null) {
      throw new CudaUnavailableException(reason);
    }
  }

  @SuppressWarnings("CatchingUnchecked")
  private static @Nullable String probe() {
    String step = "the NVIDIA driver (" + DriverCalls.LIBRARY + ") cannot be loaded";
    try {
      // Opens the driver by itself first: its absence is the usual reason, and JCuda's message
      // hides it.
      Class.forName(DriverCalls.class.getName(), true, Cuda.class.getClassLoader());
      step = "JCuda's native library cannot be loaded";
      JCudaLoader.load();
      step = "the driver cannot be initialised";
      return probeDevices();
    } catch (Throwable e) {
      return "CUDA is not available: " + step + ": " + LoadFailure.oneLine(e);
    }
  }

  private static @Nullable String probeDevices() {
    int code = JCudaDriver.cuInit(0);
    int[] count = new int[1];
    if (code == CUresult.CUDA_SUCCESS) {
      code = JCudaDriver.cuDeviceGetCount(count);
    }
    if (code == CUresult.CUDA_SUCCESS && count[0] > 0) {
      return null;
    }
    return code == CUresult.CUDA_SUCCESS || code == CUresult.CUDA_ERROR_NO_DEVICE
        ? "CUDA is not available: the driver finds no device"
        : "CUDA is not available: cuInit gave " + CUresult.stringFor(code) + " (" + code + ")";
  }
}
