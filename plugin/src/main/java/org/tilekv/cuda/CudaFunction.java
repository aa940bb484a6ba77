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

import java.lang.ref.Reference;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/**
 * A kernel. Launches return at once; the device must be current on the calling thread. Thread-safe;
 * a {@link KernelArguments} is not.
 */
public final class CudaFunction {
  private final CudaDevice device;
  private final Handles.Function handle;
  private final long raw;
  private final String name;

  CudaFunction(CudaDevice device, Handles.Function handle, String name) {
    this.device = device;
    this.handle = handle;
    this.raw = handle.raw();
    this.name = name;
  }

  /** Name in the module. */
  public String name() {
    return name;
  }

  /** Registers of a thread. */
  public int registers() {
    return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS);
  }

  /** Bytes of static shared memory of a block. */
  public int staticSharedBytes() {
    return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
  }

  /** Bytes of local memory of a thread: spilled registers and arrays. */
  public int localBytes() {
    return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
  }

  /** Most threads of a block. */
  public int maxThreadsPerBlock() {
    return attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
  }

  /** Blocks of that size that one multiprocessor holds at a time. */
  public int blocksPerMultiprocessor(int blockX, int sharedBytes) {
    device.makeCurrent();
    int[] blocks = new int[1];
    CudaErrors.check(
        JCudaDriver.cuOccupancyMaxActiveBlocksPerMultiprocessor(
            blocks, handle, blockX, sharedBytes),
        "cuOccupancyMaxActiveBlocksPerMultiprocessor");
    return blocks[0];
  }

  /** Lets launches ask for up to that many bytes of dynamic shared memory; needed above 48 KiB. */
  public CudaFunction allowSharedBytes(int bytes) {
    device.makeCurrent();
    int code =
        JCudaDriver.cuFuncSetAttribute(
            handle, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
    if (code != CUresult.CUDA_SUCCESS) {
      String limit = bytes + " shared bytes, the device allows " + device.sharedBytesPerBlockMax();
      throw CudaErrors.failure(code, "cuFuncSetAttribute of " + name, limit);
    }
    return this;
  }

  /**
   * Queues a launch with blocks of {@code blockX} threads and {@code sharedBytes} of dynamic shared
   * memory.
   */
  public void launch(
      CudaStream stream,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int sharedBytes,
      KernelArguments arguments) {
    int code =
        DriverCalls.cuLaunchKernel(
            raw,
            gridX,
            gridY,
            gridZ,
            blockX,
            1,
            1,
            sharedBytes,
            stream.address(),
            arguments.address(),
            0);
    Reference.reachabilityFence(arguments);
    if (code != CUresult.CUDA_SUCCESS) {
      throw launchFailure(code, gridX, gridY, gridZ, blockX, sharedBytes);
    }
  }

  /**
   * As {@link #launch}, with all blocks on the device at once, so that they can wait for each
   * other.
   */
  public void launchCooperative(
      CudaStream stream,
      int gridX,
      int gridY,
      int gridZ,
      int blockX,
      int sharedBytes,
      KernelArguments arguments) {
    int code =
        DriverCalls.cuLaunchCooperativeKernel(
            raw,
            gridX,
            gridY,
            gridZ,
            blockX,
            1,
            1,
            sharedBytes,
            stream.address(),
            arguments.address());
    Reference.reachabilityFence(arguments);
    if (code != CUresult.CUDA_SUCCESS) {
      throw launchFailure(code, gridX, gridY, gridZ, blockX, sharedBytes);
    }
  }

  private CudaException launchFailure(int code, int x, int y, int z, int block, int sharedBytes) {
    String sizes = "grid " + x + "x" + y + "x" + z + ", block " + block + ", shared " + sharedBytes;
    return CudaErrors.failure(code, "launch of " + name, sizes);
  }

  private int attribute(int attribute) {
    device.makeCurrent();
    int[] value = new int[1];
    CudaErrors.check(
        JCudaDriver.cuFuncGetAttribute(value, attribute, handle), "cuFuncGetAttribute");
    return value[0];
  }

  @Override
  public String toString() {
    return "kernel " + name;
  }
}
