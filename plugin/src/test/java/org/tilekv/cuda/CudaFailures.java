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

import jcuda.driver.CUresult;

/** Failures for tests of other packages, as the driver would give them. */
public final class CudaFailures {
  private CudaFailures() {}

  /** A kernel has broken the context. */
  public static FatalCudaException illegalAddress() {
    return (FatalCudaException)
        CudaErrors.failure(CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, "cuStreamSynchronize", "");
  }

  /** The device has no room. */
  public static CudaOutOfMemoryException outOfMemory() {
    return (CudaOutOfMemoryException)
        CudaErrors.failure(CUresult.CUDA_ERROR_OUT_OF_MEMORY, "cuMemAlloc", "64 bytes for tiles");
  }
}
