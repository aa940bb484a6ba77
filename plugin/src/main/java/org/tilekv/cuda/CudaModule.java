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
import jcuda.Pointer;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.driver.JITOptions;

/** Kernels loaded into a device's context. Functions are valid until it is closed. Thread-safe. */
public final class CudaModule extends CudaResource {
  private static final int LOG_BYTES = 8192;

  private final CUmodule handle = new CUmodule();

  CudaModule(CudaDevice device, byte[] image) {
    super(device);
    device.makeCurrent();
    // PTX ends with a NUL; a fatbin or cubin does not mind one more byte.
    ByteBuffer copy = ByteBuffer.allocateDirect(image.length + 1).put(image);
    JITOptions options = new JITOptions();
    options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[LOG_BYTES]);
    options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
    int code = JCudaDriver.cuModuleLoadDataJIT(handle, Pointer.to(copy.rewind()), options);
    if (code != CUresult.CUDA_SUCCESS) {
      throw CudaErrors.failure(code, "cuModuleLoadData", log(options));
    }
    device.counters().add(ResourceCounters.Kind.MODULE, 1);
  }

  private static String log(JITOptions options) {
    String log = options.getString(CUjit_option.CU_JIT_ERROR_LOG_BUFFER);
    return log == null ? "" : log.strip();
  }

  /**
   * The kernel of that name; look it up once and keep it.
   *
   * @throws CudaException with code 500 if the module has no such kernel
   */
  public CudaFunction function(String name) {
    requireOpen();
    device.makeCurrent();
    Handles.Function function = new Handles.Function();
    int code = JCudaDriver.cuModuleGetFunction(function, handle, name);
    if (code != CUresult.CUDA_SUCCESS) {
      throw CudaErrors.failure(code, "cuModuleGetFunction", "kernel '" + name + "'");
    }
    return new CudaFunction(device, function, name);
  }

  @Override
  void release() {
    device.counters().add(ResourceCounters.Kind.MODULE, -1);
    CudaErrors.check(JCudaDriver.cuModuleUnload(handle), "cuModuleUnload");
  }

  @Override
  public String toString() {
    return "module of " + device;
  }
}
