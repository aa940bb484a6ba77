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

import com.sun.jna.NativeLibrary;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Matrix products of cuBLAS on one stream, accumulated in fp32, never in TF32.
 *
 * <p>Has a workspace of its own, so products can be captured in graphs. The same product on the
 * same device and library gives the same bits every time; products of other sizes may sum in
 * another order, so a row's bits depend on {@code m}. Not thread-safe: one per stream. Close it
 * before its stream.
 */
public final class Cublas extends CudaResource {
  /** Workspace that suits Hopper. */
  public static final long WORKSPACE_BYTES = 32L << 20;

  /** Loads the library once. */
  private static final class Loaded {
    static final @Nullable String REASON = load();

    private static @Nullable String load() {
      try {
        NativeLibrary library = CublasCalls.LIBRARY.load();
        CublasCalls.register(library);
        CublasLtCalls.register(library);
        return null;
      } catch (CudaUnavailableException | UnsatisfiedLinkError e) {
        return String.valueOf(e.getMessage());
      }
    }
  }

  private final CudaStream stream;
  private final DeviceMemory workspace;
  private final long handle;
  // alpha at 0, beta at 4: read during the call.
  private final ByteBuffer scalars = ByteBuffer.allocateDirect(16).order(ByteOrder.nativeOrder());
  private final long scalarsAddress = Cuda.addressOf(scalars);

  private Cublas(CudaStream stream, DeviceMemory workspace, long handle) {
    super(stream.device);
    this.stream = stream;
    this.workspace = workspace;
    this.handle = handle;
    device.counters().add(ResourceCounters.Kind.LIBRARY_HANDLE, 1);
  }

  /** Why cuBLAS cannot be used here, or null if it can; never throws. */
  public static @Nullable String unavailableReason() {
    String cuda = Cuda.unavailableReason();
    return cuda != null ? cuda : Loaded.REASON;
  }

  /**
   * Opens cuBLAS for a stream, with a workspace of {@link #WORKSPACE_BYTES}.
   *
   * @throws CudaUnavailableException if there is no cuBLAS on this node
   */
  public static Cublas open(CudaStream stream) {
    String reason = unavailableReason();
    if (reason != null) {
      throw new CudaUnavailableException(reason);
    }
    stream.device.makeCurrent();
    DeviceMemory workspace = stream.device.allocate(WORKSPACE_BYTES, "cublas workspace");
    ByteBuffer out = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
    int status = CublasCalls.cublasCreate_v2(Cuda.addressOf(out));
    if (status != 0) {
      workspace.close();
      throw failure(stream, status, "cublasCreate");
    }
    Cublas cublas = new Cublas(stream, workspace, out.getLong(0));
    cublas.configure();
    return cublas;
  }

  private void configure() {
    check(CublasCalls.cublasSetStream_v2(handle, stream.address()), "cublasSetStream");
    // After the stream, which resets it.
    check(
        CublasCalls.cublasSetWorkspace_v2(handle, workspace.address(), workspace.bytes()),
        "cublasSetWorkspace");
    check(
        CublasCalls.cublasSetMathMode(handle, CublasCalls.MATH_EXACT_REDUCTION),
        "cublasSetMathMode");
  }

  /** The library's version, for instance 130101. */
  public int version() {
    check(CublasCalls.cublasGetVersion_v2(handle(), scalarsAddress + 8), "cublasGetVersion");
    return scalars.getInt(8);
  }

  /**
   * Queues {@code C = alpha * A * B^T + beta * C}. C is not read where beta is 0.
   *
   * @param a device address of A[m,k], for instance activations of m tokens
   * @param b device address of B[n,k], for instance a layer's weight as checkpoints store it
   * @param c device address of C[m,n]
   */
  public void gemm(GemmShape shape, float alpha, long a, long b, float beta, long c) {
    scalars.putFloat(0, alpha).putFloat(4, beta);
    int input = shape.input().cudaDataType();
    // The library is column-major: what it sees as C is our C transposed, B * A^T.
    int status =
        CublasCalls.cublasGemmEx(
            handle(),
            CublasCalls.OP_T,
            CublasCalls.OP_N,
            shape.n(),
            shape.m(),
            shape.k(),
            scalarsAddress,
            b,
            input,
            shape.bStride(),
            a,
            input,
            shape.aStride(),
            scalarsAddress + 4,
            c,
            shape.output().cudaDataType(),
            shape.cStride(),
            CublasCalls.COMPUTE_32F,
            CublasCalls.GEMM_DEFAULT);
    if (status != 0) {
      throw failure(stream, status, "cublasGemmEx of " + shape);
    }
  }

  /**
   * A planned product for one shape, with the algorithm chosen once and optionally a bias in the
   * same kernel. It shares this object's stream and workspace, and is closed before it.
   *
   * @param bias whether runs add a bias
   */
  public MatmulPlan plan(GemmShape shape, boolean bias) {
    return MatmulPlan.open(this, shape, bias);
  }

  CudaStream stream() {
    return stream;
  }

  DeviceMemory workspace() {
    return workspace;
  }

  /** Valid as a handle of cublasLt, too. */
  long handle() {
    requireOpen();
    return handle;
  }

  void check(int status, String call) {
    if (status != 0) {
      throw failure(stream, status, call);
    }
  }

  /** A broken context shows as any status, so the driver is asked first. */
  static CudaException failure(CudaStream stream, int status, String call) {
    int code = JCudaDriver.cuStreamQuery(stream.handle());
    if (CudaErrors.isFatal(code)) {
      return CudaErrors.failure(code, call, "");
    }
    String name = CublasCalls.cublasGetStatusName(status);
    return status == 3 // CUBLAS_STATUS_ALLOC_FAILED
        ? new CudaOutOfMemoryException(status, name, call, "")
        : new CudaException(status, name, call, "");
  }

  @Override
  void release() {
    device.counters().add(ResourceCounters.Kind.LIBRARY_HANDLE, -1);
    int status = CublasCalls.cublasDestroy_v2(handle);
    workspace.close();
    check(status, "cublasDestroy");
  }

  @Override
  public String toString() {
    return "cuBLAS of " + stream;
  }
}
