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
package org.tilekv.llm;

/** Which implementation multiplies matrices. All give the same bits. */
public enum MatMulKind {
  /** Vector API. */
  VECTOR,
  /** Plain Java. */
  SCALAR;

  /**
   * @param name {@code auto}, {@code vector} or {@code scalar}
   */
  public static MatMulKind of(String name) {
    return switch (name) {
      case "auto", "vector" -> VECTOR;
      case "scalar" -> SCALAR;
      default ->
          throw new IllegalArgumentException(
              "matMul is '" + name + "'; allowed are auto, vector and scalar");
    };
  }

  PanelKernel kernel(boolean bf16) {
    if (this == SCALAR) {
      return new ScalarKernel();
    }
    return bf16 ? new VectorBf16Kernel() : new VectorFp32Kernel();
  }
}
