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
 * Describes a row-major matrix in device memory to the bulk tensor copies of Hopper and later: a
 * CUtensorMap of rank 2 with 128-byte swizzle, 256-byte L2 promotion and no fill.
 *
 * @param type element type
 * @param address device address of the matrix, divisible by 16
 * @param rows rows of the matrix
 * @param rowElements elements of a row; rows lie right behind each other
 * @param boxRows rows of one copy, at most 256
 * @param boxElements elements of a row of one copy, at most 128 bytes
 */
public record TensorMap(
    GemmType type, long address, long rows, int rowElements, int boxRows, int boxElements) {
  /** Size of the encoded map. */
  public static final int BYTES = 128;

  /** Where an encoded map may lie, on the host and on the device. */
  public static final int ALIGNMENT_BYTES = 64;

  /**
   * The map as kernels read it: {@link #BYTES} bytes in a direct buffer, for a copy to device
   * memory.
   *
   * @throws CudaException if a value is out of the driver's limits
   */
  public ByteBuffer encode() {
    ByteBuffer map =
        ByteBuffer.allocateDirect(BYTES + ALIGNMENT_BYTES)
            .alignedSlice(ALIGNMENT_BYTES)
            .slice(0, BYTES);
    // Innermost first; the driver takes the strides of all dimensions but the innermost.
    ByteBuffer values = ByteBuffer.allocateDirect(40).order(ByteOrder.nativeOrder());
    values.putLong(rowElements).putLong(rows).putLong((long) rowElements * type.bytes());
    values.putInt(boxElements).putInt(boxRows).putInt(1).putInt(1);
    long at = Cuda.addressOf(values);
    int code =
        TensorMapCalls.cuTensorMapEncodeTiled(
            Cuda.addressOf(map),
            type.tensorMapType(),
            2,
            address,
            at,
            at + 16,
            at + 24,
            at + 32,
            TensorMapCalls.INTERLEAVE_NONE,
            TensorMapCalls.SWIZZLE_128B,
            TensorMapCalls.L2_PROMOTION_256B,
            TensorMapCalls.FILL_NONE);
    if (code != 0) {
      throw CudaErrors.failure(code, "cuTensorMapEncodeTiled", toString());
    }
    return map;
  }
}
