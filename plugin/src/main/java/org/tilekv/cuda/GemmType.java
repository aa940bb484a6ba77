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

/** Element type of a matrix. */
public enum GemmType {
  FLOAT32(4, 0, 7),
  FLOAT16(2, 2, 6),
  BFLOAT16(2, 14, 9);

  private final int bytes;
  private final int cudaDataType;
  private final int tensorMapType;

  GemmType(int bytes, int cudaDataType, int tensorMapType) {
    this.bytes = bytes;
    this.cudaDataType = cudaDataType;
    this.tensorMapType = tensorMapType;
  }

  /** Bytes of an element. */
  public int bytes() {
    return bytes;
  }

  /** The library's cudaDataType. */
  int cudaDataType() {
    return cudaDataType;
  }

  /** The driver's CUtensorMapDataType. */
  int tensorMapType() {
    return tensorMapType;
  }
}
