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
import java.io.File;
import java.util.List;

/** cublasLt by JNA with raw addresses. The result is a cublasStatus_t. */
final class CublasLtCalls {
  static final int DESC_TRANSA = 3;
  static final int DESC_TRANSB = 4;
  static final int DESC_EPILOGUE = 7;
  static final int DESC_BIAS_POINTER = 8;
  static final int EPILOGUE_DEFAULT = 1;
  static final int EPILOGUE_BIAS = 4;
  static final int PREFERENCE_MAX_WORKSPACE_BYTES = 1;
  static final int PREFERENCE_REDUCTION_SCHEMES = 3;
  static final int PREFERENCE_MIN_ALIGNMENT_A = 5;
  static final int PREFERENCE_MIN_ALIGNMENT_D = 8;

  /** CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE: partial sums stay fp32. */
  static final int REDUCTION_IN_FP32 = 2;

  /** sizeof(cublasLtMatmulHeuristicResult_t); the algorithm is its first member. */
  static final int HEURISTIC_BYTES = 96;

  static final UserLibrary LIBRARY =
      new UserLibrary(
          "cublasLt", List.of("libcublasLt.so.13", "libcublasLt.so.12"), "tilekv.cublasLt.path");

  private CublasLtCalls() {}

  /** cublasLt is a dependency of cuBLAS: from the same folder, of the same version. */
  static void register(NativeLibrary cublas) {
    File file = cublas.getFile();
    String path = file == null ? cublas.getName() : file.getPath();
    NativeLibrary library =
        System.getProperty(LIBRARY.property()) == null
            ? LIBRARY.load(path.replace("libcublas.so", "libcublasLt.so"), List.of())
            : LIBRARY.load();
    Native.register(CublasLtCalls.class, library);
  }

  static native int cublasLtMatmulDescCreate(long out, int computeType, int scaleType);

  static native int cublasLtMatmulDescDestroy(long descriptor);

  static native int cublasLtMatmulDescSetAttribute(
      long descriptor, int attribute, long value, long bytes);

  static native int cublasLtMatrixLayoutCreate(
      long out, int type, long rows, long columns, long stride);

  static native int cublasLtMatrixLayoutDestroy(long layout);

  static native int cublasLtMatmulPreferenceCreate(long out);

  static native int cublasLtMatmulPreferenceDestroy(long preference);

  static native int cublasLtMatmulPreferenceSetAttribute(
      long preference, int attribute, long value, long bytes);

  static native int cublasLtMatmulAlgoGetHeuristic(
      long handle,
      long descriptor,
      long aLayout,
      long bLayout,
      long cLayout,
      long dLayout,
      long preference,
      int wanted,
      long results,
      long foundOut);

  static native int cublasLtMatmul(
      long handle,
      long descriptor,
      long alpha,
      long a,
      long aLayout,
      long b,
      long bLayout,
      long beta,
      long c,
      long cLayout,
      long d,
      long dLayout,
      long algorithm,
      long workspace,
      long workspaceBytes,
      long stream);
}
