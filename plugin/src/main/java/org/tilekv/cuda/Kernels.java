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

import java.util.List;
import java.util.regex.Pattern;
import jcuda.driver.CUresult;
import org.jspecify.annotations.Nullable;

/**
 * Loads kernel modules of the jar, compiled ones, else their sources through NVRTC; and users' own
 * kernels.
 */
public final class Kernels {
  /** Modules for one architecture alone, such as decode_sm90a. */
  private static final Pattern EXACT = Pattern.compile("_sm[0-9]+a$");

  private Kernels() {}

  /**
   * Loads a module into a device.
   *
   * @param name file name of its source without .cu, for instance attention_prefill
   * @throws CudaUnavailableException if the jar has no code for this device and NVRTC cannot make
   *     it
   */
  public static CudaModule load(CudaDevice device, String name) {
    byte[] fatbin = KernelSource.resource(name + ".fatbin");
    String reason = "the jar holds no compiled code";
    if (fatbin != null) {
      try {
        return device.load(fatbin);
      } catch (CudaException e) {
        if (!isOtherArchitecture(e.code())) {
          throw e;
        }
        reason = "its compiled code does not fit " + device + ": " + e.errorName();
      }
    }
    return device.load(compile(device.computeCapability(), name, reason));
  }

  /**
   * Compiles a kernel of the user with NVRTC for a device, and loads it. It may include headers of
   * the jar: {@code #include "tilekv/kv_tile_cache.cuh"} gives it the tile cache.
   *
   * @param name for messages, as a file name
   * @param source CUDA C++
   * @param options more of NVRTC's options
   * @throws CudaUnavailableException if there is no NVRTC on this node
   * @throws CudaException if the source does not compile; the message holds the compiler's
   */
  public static CudaModule compile(
      CudaDevice device, String name, String source, List<String> options) {
    KernelSource whole = KernelSource.of(source);
    String arch = "sm_" + device.computeCapability();
    return device.load(Nvrtc.compile(name, whole.text(), whole.headers(), arch, options));
  }

  /** True where kernels compiled for sm_90a alone run. */
  public static boolean runsHopperOnly(CudaDevice device) {
    return device.computeCapability() == 90;
  }

  private static boolean isOtherArchitecture(int code) {
    return code == CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU
        || code == CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  }

  /**
   * Machine code for a compute capability; {@code reason} is why it is compiled here, for the
   * message where that fails.
   */
  static byte[] compile(int computeCapability, String name, String reason) {
    @Nullable KernelSource source = KernelSource.find(name);
    if (source == null) {
      throw new CudaUnavailableException(
          "kernel module '" + name + "': " + reason + ", and no source of that name");
    }
    String missing = Nvrtc.unavailableReason();
    if (missing != null) {
      throw new CudaUnavailableException(
          "kernel module '" + name + "': " + reason + "; " + missing);
    }
    String arch = "sm_" + computeCapability + (EXACT.matcher(name).find() ? "a" : "");
    return Nvrtc.compile(name + ".cu", source.text(), source.headers(), arch, List.of());
  }
}
