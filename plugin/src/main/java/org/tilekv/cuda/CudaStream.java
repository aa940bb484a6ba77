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

import jcuda.driver.CUgraph;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;

/**
 * A queue of work for a device, done in order. Streams do not wait for each other nor for the
 * default stream. The calls return at once unless they say otherwise; {@code device} must be
 * current on the calling thread. Thread-safe, but two threads that share a stream decide on their
 * order themselves, and captures belong to one thread.
 */
public final class CudaStream extends CudaResource {
  private final Handles.Stream handle = new Handles.Stream();
  private final long raw;

  CudaStream(CudaDevice device, int priority) {
    super(device);
    device.makeCurrent();
    CudaErrors.check(
        JCudaDriver.cuStreamCreateWithPriority(
            handle, CUstream_flags.CU_STREAM_NON_BLOCKING, priority),
        "cuStreamCreateWithPriority");
    raw = handle.raw();
    device.counters().add(ResourceCounters.Kind.STREAM, 1);
  }

  /**
   * Copies bytes from host memory; from memory that is not pinned it returns when the host bytes
   * are read.
   */
  public void copyToDevice(long deviceAddress, long hostAddress, long bytes) {
    CudaErrors.check(
        DriverCalls.cuMemcpyHtoDAsync_v2(deviceAddress, hostAddress, bytes, address()),
        "cuMemcpyHtoDAsync");
  }

  /** Copies bytes to host memory; to memory that is not pinned it returns when the copy is done. */
  public void copyToHost(long hostAddress, long deviceAddress, long bytes) {
    CudaErrors.check(
        DriverCalls.cuMemcpyDtoHAsync_v2(hostAddress, deviceAddress, bytes, address()),
        "cuMemcpyDtoHAsync");
  }

  /** Copies bytes inside the device; the two ranges do not overlap. */
  public void copyOnDevice(long toAddress, long fromAddress, long bytes) {
    CudaErrors.check(
        DriverCalls.cuMemcpyDtoDAsync_v2(toAddress, fromAddress, bytes, address()),
        "cuMemcpyDtoDAsync");
  }

  /** Sets bytes of device memory to {@code value}. */
  public void fill(long deviceAddress, byte value, long bytes) {
    CudaErrors.check(
        DriverCalls.cuMemsetD8Async(deviceAddress, value, bytes, address()), "cuMemsetD8Async");
  }

  /** Sets 32-bit words of device memory, at an address divisible by 4, to {@code value}. */
  public void fillInts(long deviceAddress, int value, long count) {
    CudaErrors.check(
        DriverCalls.cuMemsetD32Async(deviceAddress, value, count, address()), "cuMemsetD32Async");
  }

  /** Sets the event behind all work queued so far. */
  public void record(CudaEvent event) {
    CudaErrors.check(JCudaDriver.cuEventRecord(event.handle(), handle), "cuEventRecord");
  }

  /**
   * Lets work queued from now on wait, on the device, for the event's last record; of any stream.
   */
  public void waitFor(CudaEvent event) {
    CudaErrors.check(JCudaDriver.cuStreamWaitEvent(handle, event.handle(), 0), "cuStreamWaitEvent");
  }

  /** Waits until all work queued so far is done. Errors of that work show here. */
  public void synchronize() {
    requireOpen();
    CudaErrors.check(JCudaDriver.cuStreamSynchronize(handle), "cuStreamSynchronize");
  }

  /** True if all work queued so far is done. Does not wait. */
  public boolean isDone() {
    requireOpen();
    int code = JCudaDriver.cuStreamQuery(handle);
    if (code == CUresult.CUDA_ERROR_NOT_READY) {
      return false;
    }
    CudaErrors.check(code, "cuStreamQuery");
    return true;
  }

  /**
   * From now on this thread's work on the stream, and on streams that wait for it, is recorded and
   * not done. Nothing may be allocated or synchronised meanwhile. The same thread calls {@link
   * #endCapture}.
   */
  public void beginCapture() {
    requireOpen();
    CudaErrors.check(
        JCudaDriver.cuStreamBeginCapture(
            handle, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        "cuStreamBeginCapture");
  }

  /**
   * Ends the capture.
   *
   * @throws CudaException if the captured work cannot be made a graph; the capture has ended then,
   *     too
   */
  public CudaGraph endCapture() {
    CUgraph captured = new CUgraph();
    CudaErrors.check(JCudaDriver.cuStreamEndCapture(handle, captured), "cuStreamEndCapture");
    try {
      return new CudaGraph(device, captured);
    } finally {
      JCudaDriver.cuGraphDestroy(captured);
    }
  }

  /**
   * Captures what {@code work} queues on this stream; where it throws, the capture has ended and
   * nothing stays.
   */
  public CudaGraph capture(Runnable work) {
    beginCapture();
    try {
      work.run();
    } catch (Throwable e) {
      CUgraph captured = new CUgraph();
      if (JCudaDriver.cuStreamEndCapture(handle, captured) == CUresult.CUDA_SUCCESS) {
        JCudaDriver.cuGraphDestroy(captured);
      }
      throw e;
    }
    return endCapture();
  }

  /** Queues a captured graph. */
  public void launch(CudaGraph graph) {
    requireOpen();
    CudaErrors.check(JCudaDriver.cuGraphLaunch(graph.handle(), handle), "cuGraphLaunch");
  }

  CUstream handle() {
    return handle;
  }

  /** The raw CUstream, for libraries that share the context. */
  public long address() {
    requireOpen();
    return raw;
  }

  @Override
  void release() {
    device.counters().add(ResourceCounters.Kind.STREAM, -1);
    CudaErrors.check(JCudaDriver.cuStreamDestroy(handle), "cuStreamDestroy");
  }

  @Override
  public String toString() {
    return "stream of " + device;
  }
}
