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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A matrix product of one shape by cublasLt: {@code C[m,n] = A[m,k] * B[n,k]^T + bias[n]},
 * row-major, accumulated in fp32. The algorithm is chosen when the plan is made; a run costs one
 * call. All addresses are divisible by 16. Not thread-safe.
 */
public final class MatmulPlan extends CudaResource {
  private static final int SCRATCH = 8;
  private static final int ALGORITHM = 16;
  private static final int MIN_ALIGNMENT_BYTES = 16;

  private final Cublas cublas;
  private final GemmShape shape;
  private final boolean bias;
  // alpha at 0, beta at 4, an attribute or result at 8, the algorithm from 16 on.
  private final ByteBuffer block =
      ByteBuffer.allocateDirect(ALGORITHM + CublasLtCalls.HEURISTIC_BYTES)
          .order(ByteOrder.nativeOrder());
  private final long address = Cuda.addressOf(block);
  private long descriptor;
  private long aLayout;
  private long bLayout;
  private long cLayout;

  private MatmulPlan(Cublas cublas, GemmShape shape, boolean bias) {
    super(cublas.device);
    this.cublas = cublas;
    this.shape = shape;
    this.bias = bias;
    block.putFloat(0, 1).putFloat(4, 0);
    device.counters().add(ResourceCounters.Kind.LIBRARY_HANDLE, 1);
  }

  static MatmulPlan open(Cublas cublas, GemmShape shape, boolean bias) {
    cublas.device.makeCurrent();
    MatmulPlan plan = new MatmulPlan(cublas, shape, bias);
    try {
      plan.describe();
      plan.chooseAlgorithm();
      return plan;
    } catch (CudaException e) {
      plan.close();
      throw e;
    }
  }

  /**
   * The library is column-major: its first operand is our B, its second our A, its result our C
   * transposed.
   */
  private void describe() {
    check(
        CublasLtCalls.cublasLtMatmulDescCreate(
            address + SCRATCH, CublasCalls.COMPUTE_32F, GemmType.FLOAT32.cudaDataType()),
        "cublasLtMatmulDescCreate");
    descriptor = block.getLong(SCRATCH);
    setAttribute(CublasLtCalls.DESC_TRANSA, CublasCalls.OP_T);
    setAttribute(CublasLtCalls.DESC_TRANSB, CublasCalls.OP_N);
    setAttribute(
        CublasLtCalls.DESC_EPILOGUE,
        bias ? CublasLtCalls.EPILOGUE_BIAS : CublasLtCalls.EPILOGUE_DEFAULT);
    bLayout = layout(shape.input(), shape.k(), shape.n(), shape.bStride());
    aLayout = layout(shape.input(), shape.k(), shape.m(), shape.aStride());
    cLayout = layout(shape.output(), shape.n(), shape.m(), shape.cStride());
  }

  private void chooseAlgorithm() {
    check(
        CublasLtCalls.cublasLtMatmulPreferenceCreate(address + SCRATCH),
        "cublasLtMatmulPreferenceCreate");
    long preference = block.getLong(SCRATCH);
    try {
      block.putLong(SCRATCH, cublas.workspace().bytes());
      setPreference(preference, CublasLtCalls.PREFERENCE_MAX_WORKSPACE_BYTES, Long.BYTES);
      block.putInt(SCRATCH, CublasLtCalls.REDUCTION_IN_FP32);
      setPreference(preference, CublasLtCalls.PREFERENCE_REDUCTION_SCHEMES, Integer.BYTES);
      block.putInt(SCRATCH, MIN_ALIGNMENT_BYTES);
      for (int operand = CublasLtCalls.PREFERENCE_MIN_ALIGNMENT_A;
          operand <= CublasLtCalls.PREFERENCE_MIN_ALIGNMENT_D;
          operand++) {
        setPreference(preference, operand, Integer.BYTES);
      }
      check(
          CublasLtCalls.cublasLtMatmulAlgoGetHeuristic(
              cublas.handle(),
              descriptor,
              bLayout,
              aLayout,
              cLayout,
              cLayout,
              preference,
              1,
              address + ALGORITHM,
              address + SCRATCH),
          "cublasLtMatmulAlgoGetHeuristic of " + shape);
    } finally {
      CublasLtCalls.cublasLtMatmulPreferenceDestroy(preference);
    }
  }

  /**
   * Queues the product on the stream of the {@link Cublas}.
   *
   * @param a device address of A
   * @param b device address of B
   * @param biasAddress device address of n values of the output's type; ignored by plans without a
   *     bias
   * @param c device address of C
   */
  public void run(long a, long b, long biasAddress, long c) {
    requireOpen();
    if (bias) {
      block.putLong(SCRATCH, biasAddress);
      check(
          CublasLtCalls.cublasLtMatmulDescSetAttribute(
              descriptor, CublasLtCalls.DESC_BIAS_POINTER, address + SCRATCH, Long.BYTES),
          "cublasLtMatmulDescSetAttribute of the bias");
    }
    check(
        CublasLtCalls.cublasLtMatmul(
            cublas.handle(),
            descriptor,
            address,
            b,
            bLayout,
            a,
            aLayout,
            address + 4,
            c,
            cLayout,
            c,
            cLayout,
            address + ALGORITHM,
            cublas.workspace().address(),
            cublas.workspace().bytes(),
            cublas.stream().address()),
        "cublasLtMatmul of " + shape);
  }

  private void setAttribute(int attribute, int value) {
    block.putInt(SCRATCH, value);
    check(
        CublasLtCalls.cublasLtMatmulDescSetAttribute(
            descriptor, attribute, address + SCRATCH, Integer.BYTES),
        "cublasLtMatmulDescSetAttribute " + attribute);
  }

  private void setPreference(long preference, int attribute, int bytes) {
    check(
        CublasLtCalls.cublasLtMatmulPreferenceSetAttribute(
            preference, attribute, address + SCRATCH, bytes),
        "cublasLtMatmulPreferenceSetAttribute " + attribute);
  }

  private long layout(GemmType type, int rows, int columns, int stride) {
    check(
        CublasLtCalls.cublasLtMatrixLayoutCreate(
            address + SCRATCH, type.cudaDataType(), rows, columns, stride),
        "cublasLtMatrixLayoutCreate");
    return block.getLong(SCRATCH);
  }

  private void check(int status, String call) {
    cublas.check(status, call);
  }

  @Override
  void release() {
    device.counters().add(ResourceCounters.Kind.LIBRARY_HANDLE, -1);
    for (long layout : new long[] {aLayout, bLayout, cLayout}) {
      if (layout != 0) {
        CublasLtCalls.cublasLtMatrixLayoutDestroy(layout);
      }
    }
    if (descriptor != 0) {
      CublasLtCalls.cublasLtMatmulDescDestroy(descriptor);
    }
  }

  @Override
  public String toString() {
    return "plan of " + shape;
  }
}
