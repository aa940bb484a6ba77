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
import java.util.concurrent.atomic.AtomicBoolean;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/**
 * A device, with its primary context: the one that cuDF and other libraries of the process use,
 * too. Makes memory, streams, events and modules, and counts them. Thread-safe; each thread that
 * calls anything of a device first calls {@link #makeCurrent}.
 */
public final class CudaDevice implements AutoCloseable {
  private final int ordinal;
  private final CUdevice handle;
  private final CUcontext context;
  private final String name;
  private final ResourceCounters counters = new ResourceCounters();
  private final AtomicBoolean closed = new AtomicBoolean();

  private CudaDevice(int ordinal, CUdevice handle, CUcontext context) {
    this.ordinal = ordinal;
    this.handle = handle;
    this.context = context;
    byte[] text = new byte[256];
    CudaErrors.check(JCudaDriver.cuDeviceGetName(text, text.length, handle), "cuDeviceGetName");
    this.name = new String(text, StandardCharsets.UTF_8).trim();
  }

  /**
   * Opens a device and makes it current on this thread.
   *
   * @param ordinal 0 to {@link Cuda#deviceCount()} - 1
   * @throws CudaUnavailableException if CUDA cannot be used here
   */
  public static CudaDevice open(int ordinal) {
    int count = Cuda.deviceCount();
    if (ordinal < 0 || ordinal >= count) {
      throw new IllegalArgumentException("device " + ordinal + ", must be 0 to " + (count - 1));
    }
    CUdevice handle = new CUdevice();
    CudaErrors.check(JCudaDriver.cuDeviceGet(handle, ordinal), "cuDeviceGet");
    CUcontext context = new CUcontext();
    CudaErrors.check(
        JCudaDriver.cuDevicePrimaryCtxRetain(context, handle), "cuDevicePrimaryCtxRetain");
    CudaDevice device = new CudaDevice(ordinal, handle, context);
    device.makeCurrent();
    return device;
  }

  /** Lets this thread's calls go to this device; cheap. */
  public void makeCurrent() {
    if (closed.get()) {
      throw new IllegalStateException(this + " is closed");
    }
    CudaErrors.check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  public int ordinal() {
    return ordinal;
  }

  /** The model, for instance NVIDIA H200. */
  public String name() {
    return name;
  }

  /** Major times 10 plus minor: 90 for 9.0. */
  public int computeCapability() {
    return 10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  }

  public int multiprocessors() {
    return attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  }

  /** Most shared memory of a block, with {@link CudaFunction#allowSharedBytes}. */
  public int sharedBytesPerBlockMax() {
    return attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  }

  /** Size of the L2 cache. */
  public int l2Bytes() {
    return attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
  }

  /** Memory that nobody uses, other processes included. */
  public long freeBytes() {
    return memoryInfo()[0];
  }

  /** Memory of the device. */
  public long totalBytes() {
    return memoryInfo()[1];
  }

  /** Newest CUDA version that the driver knows: 1000 times major plus 10 times minor. */
  public int driverVersion() {
    int[] version = new int[1];
    CudaErrors.check(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
    return version[0];
  }

  /**
   * Allocates device memory; slow, waits for the device.
   *
   * @param tag what it is for, in usage and errors
   * @throws CudaOutOfMemoryException if there is no room; nothing is allocated then
   */
  public DeviceMemory allocate(long bytes, String tag) {
    return DeviceMemory.allocate(this, bytes, tag);
  }

  /**
   * Allocates page-locked host memory; slow.
   *
   * @param bytes at most {@link PinnedMemory#MAX_BYTES}
   * @throws CudaOutOfMemoryException if there is no room; nothing is allocated then
   */
  public PinnedMemory allocatePinned(long bytes, String tag) {
    return PinnedMemory.allocate(this, bytes, tag);
  }

  /** A stream of priority 0, the lowest. */
  public CudaStream createStream() {
    return createStream(0);
  }

  /**
   * A stream of that priority: lower numbers go first, values out of the device's range are
   * clamped.
   */
  public CudaStream createStream(int priority) {
    return new CudaStream(this, priority);
  }

  /** An event; only timed ones have {@link CudaEvent#elapsedMs}. */
  public CudaEvent createEvent(boolean timed) {
    return new CudaEvent(this, timed);
  }

  /** Loads a fatbin, cubin or PTX text. */
  public CudaModule load(byte[] image) {
    return new CudaModule(this, image);
  }

  /** Waits for all work on the device. */
  public void synchronize() {
    makeCurrent();
    CudaErrors.check(JCudaDriver.cuCtxSynchronize(), "cuCtxSynchronize");
  }

  /** What is open now. */
  public CudaUsage usage() {
    return counters.snapshot();
  }

  ResourceCounters counters() {
    return counters;
  }

  /** As {@link CudaErrors#check}, saying what was asked for and what there is. */
  void checkAllocation(int code, String call, long bytes, String tag) {
    if (code != CUresult.CUDA_SUCCESS) {
      String room = code == CUresult.CUDA_ERROR_OUT_OF_MEMORY ? room() : "";
      throw CudaErrors.failure(code, call, bytes + " bytes for " + tag + room);
    }
  }

  private String room() {
    return "; device has " + freeBytes() + " of " + totalBytes() + " bytes free; open: " + usage();
  }

  private int attribute(int attribute) {
    int[] value = new int[1];
    CudaErrors.check(
        JCudaDriver.cuDeviceGetAttribute(value, attribute, handle), "cuDeviceGetAttribute");
    return value[0];
  }

  private long[] memoryInfo() {
    makeCurrent();
    long[] free = new long[1];
    long[] total = new long[1];
    CudaErrors.check(JCudaDriver.cuMemGetInfo(free, total), "cuMemGetInfo");
    return new long[] {free[0], total[0]};
  }

  /**
   * Gives the context back. Closing again does nothing.
   *
   * @throws IllegalStateException if something is still open; it names it, and the device stays
   *     open
   */
  @Override
  public void close() {
    CudaUsage usage = usage();
    if (!usage.isEmpty()) {
      throw new IllegalStateException(this + " has open resources: " + usage);
    }
    if (closed.compareAndSet(false, true)) {
      CudaErrors.check(JCudaDriver.cuDevicePrimaryCtxRelease(handle), "cuDevicePrimaryCtxRelease");
    }
  }

  @Override
  public String toString() {
    return "device " + ordinal + " (" + name + ")";
  }
}
