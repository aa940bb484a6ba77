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

import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/**
 * A point in a stream's work, set by {@link CudaStream#record}. An event never recorded counts as
 * done. Thread-safe.
 */
public final class CudaEvent extends CudaResource {
  private final CUevent handle = new CUevent();

  CudaEvent(CudaDevice device, boolean timed) {
    super(device);
    device.makeCurrent();
    int flags = timed ? CUevent_flags.CU_EVENT_DEFAULT : CUevent_flags.CU_EVENT_DISABLE_TIMING;
    CudaErrors.check(JCudaDriver.cuEventCreate(handle, flags), "cuEventCreate");
    device.counters().add(ResourceCounters.Kind.EVENT, 1);
  }

  CUevent handle() {
    requireOpen();
    return handle;
  }

  /** True if the device has passed the event's last record. Does not wait. */
  public boolean isDone() {
    int code = JCudaDriver.cuEventQuery(handle());
    if (code == CUresult.CUDA_ERROR_NOT_READY) {
      return false;
    }
    CudaErrors.check(code, "cuEventQuery");
    return true;
  }

  /** Waits until the device has passed the event's last record. */
  public void synchronize() {
    CudaErrors.check(JCudaDriver.cuEventSynchronize(handle()), "cuEventSynchronize");
  }

  /** Milliseconds between the records of {@code from} and of this one; both are timed and done. */
  public float elapsedMs(CudaEvent from) {
    float[] ms = new float[1];
    CudaErrors.check(
        JCudaDriver.cuEventElapsedTime(ms, from.handle(), handle()), "cuEventElapsedTime");
    return ms[0];
  }

  @Override
  void release() {
    device.counters().add(ResourceCounters.Kind.EVENT, -1);
    CudaErrors.check(JCudaDriver.cuEventDestroy(handle), "cuEventDestroy");
  }

  @Override
  public String toString() {
    return "event of " + device;
  }
}
