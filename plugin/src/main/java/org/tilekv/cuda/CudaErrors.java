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

/** Turns result codes of the driver API into exceptions. */
final class CudaErrors {
  private CudaErrors() {}

  /** Returns if code is success, otherwise throws what belongs to it. */
  static void check(int code, String call) {
    if (code != CUresult.CUDA_SUCCESS) {
      throw failure(code, call, detail(code));
    }
  }

  /** The exception of a code that is not success. */
  static CudaException failure(int code, String call, String detail) {
    String name = CUresult.stringFor(code);
    if (code == CUresult.CUDA_ERROR_OUT_OF_MEMORY) {
      return new CudaOutOfMemoryException(code, name, call, detail);
    }
    return isFatal(code)
        ? new FatalCudaException(code, name, call, detail)
        : new CudaException(code, name, call, detail);
  }

  /** True for errors that the context does not recover from. */
  static boolean isFatal(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_DEINITIALIZED,
          CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE,
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE,
          226, // CUDA_ERROR_CONTAINED, newer than the binding
          CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
          CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED,
          CUresult.CUDA_ERROR_ASSERT,
          CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CUresult.CUDA_ERROR_INVALID_PC,
          CUresult.CUDA_ERROR_LAUNCH_FAILED,
          721, // CUDA_ERROR_TENSOR_MEMORY_LEAK, newer than the binding
          CUresult.CUDA_ERROR_UNKNOWN ->
          true;
      default -> false;
    };
  }

  private static String detail(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_INVALID_CONTEXT ->
          "call CudaDevice.makeCurrent() on this thread first";
      case CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU ->
          "the image holds no code for this device's compute capability";
      case CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION ->
          "the driver is older than the PTX in the image";
      default -> "";
    };
  }
}
