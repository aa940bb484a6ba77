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

/**
 * Shapes, types and strides of a matrix product {@code C[m,n] = A[m,k] * B[n,k]^T}, all matrices
 * row-major.
 *
 * @param m rows of A and C: tokens
 * @param n rows of B, columns of C: outputs
 * @param k columns of A and B: inputs
 * @param input type of A and B
 * @param output type of C: that of the input, or FLOAT32
 * @param aStride elements between rows of A, at least k
 * @param bStride elements between rows of B, at least k
 * @param cStride elements between rows of C, at least n
 */
public record GemmShape(
    int m, int n, int k, GemmType input, GemmType output, int aStride, int bStride, int cStride) {

  public GemmShape {
    require(m > 0 && n > 0 && k > 0, "m, n and k must be positive", m, n, k);
    require(
        aStride >= k && bStride >= k && cStride >= n,
        "strides must be at least k, k and n",
        aStride,
        bStride,
        cStride);
    if (output != input && output != GemmType.FLOAT32) {
      throw new IllegalArgumentException(
          "output " + output + " of input " + input + ", must be the same or FLOAT32");
    }
  }

  /** With rows right behind each other. */
  public static GemmShape of(int m, int n, int k, GemmType input, GemmType output) {
    return new GemmShape(m, n, k, input, output, k, k, n);
  }

  private static void require(boolean condition, String rule, int a, int b, int c) {
    if (!condition) {
      throw new IllegalArgumentException(rule + ", are " + a + ", " + b + ", " + c);
    }
  }
}
