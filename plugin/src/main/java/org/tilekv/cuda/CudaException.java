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

import org.tilekv.TileKvException;

/**
 * A call into CUDA failed. The context is still usable, unless this is a {@link
 * FatalCudaException}.
 */
public class CudaException extends TileKvException {
  private static final long serialVersionUID = 1L;

  private final int code;
  private final String errorName;
  private final String call;

  CudaException(int code, String errorName, String call, String detail) {
    super(
        call
            + " failed: "
            + errorName
            + " ("
            + code
            + ")"
            + (detail.isEmpty() ? "" : ", " + detail));
    this.code = code;
    this.errorName = errorName;
    this.call = call;
  }

  /** The library's number of the error: a CUresult, a cuBLAS status or an NVRTC result. */
  public int code() {
    return code;
  }

  /** The library's name of the error, for instance CUDA_ERROR_OUT_OF_MEMORY. */
  public String errorName() {
    return errorName;
  }

  /** The call that failed, for instance cuMemAlloc. */
  public String call() {
    return call;
  }
}
