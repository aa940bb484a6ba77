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
import com.sun.jna.NativeLibrary;
import java.util.List;

/**
 * cuBLAS by JNA with raw addresses; versions 12 and 13 have the same prototypes. The result is a
 * cublasStatus_t.
 */
final class CublasCalls {
  static final int OP_N = 0;
  static final int OP_T = 1;
  static final int COMPUTE_32F = 68;
  static final int GEMM_DEFAULT = -1;

  /** CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION on default mode, which leaves TF32 out. */
  static final int MATH_EXACT_REDUCTION = 16;

  static final UserLibrary LIBRARY =
      new UserLibrary(
          "cuBLAS", List.of("libcublas.so.13", "libcublas.so.12"), "tilekv.cublas.path");

  private CublasCalls() {}

  static void register(NativeLibrary library) {
    Native.register(CublasCalls.class, library);
  }

  static native int cublasCreate_v2(long handleOut);

  static native int cublasDestroy_v2(long handle);

  static native int cublasGetVersion_v2(long handle, long intOut);

  static native int cublasSetStream_v2(long handle, long stream);

  static native int cublasSetWorkspace_v2(long handle, long workspace, long bytes);

  static native int cublasSetMathMode(long handle, int mode);

  static native String cublasGetStatusName(int status);

  static native int cublasGemmEx(
      long handle,
      int transA,
      int transB,
      int m,
      int n,
      int k,
      long alpha,
      long a,
      int aType,
      int aStride,
      long b,
      int bType,
      int bStride,
      long beta,
      long c,
      int cType,
      int cStride,
      int computeType,
      int algorithm);
}
