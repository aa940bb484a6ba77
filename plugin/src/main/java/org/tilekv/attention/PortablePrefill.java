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
package org.tilekv.attention;

import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;

/** Launches {@code attention_prefill.cu}: every device, type and head dim. Used by one thread. */
final class PortablePrefill implements CudaPrefill {

  private static final int ITEM_ROWS = 64;
  private static final int BLOCK = 128;

  private final CudaKvMemory memory;
  private final int groupSize;
  private final CudaFunction kernel;
  private final int sharedBytes;
  private final KernelArguments arguments = new KernelArguments(15);

  PortablePrefill(CudaKvMemory memory, int groupSize, KernelModules kernels) {
    this.memory = memory;
    this.groupSize = groupSize;
    KvDtype dtype = memory.geometry().dtype();
    int dim = memory.geometry().headDim();
    kernel =
        kernels.function(
            "attention_prefill", "tilekv_prefill_" + CudaPagedAttention.suffix(dtype) + "_d" + dim);
    sharedBytes = dtype == KvDtype.FLOAT32 ? 0 : sharedBytes(dim);
    if (sharedBytes > 0) {
      kernel.allowSharedBytes(sharedBytes);
    }
  }

  /** Of MmaShape in prefill_mma.cuh. */
  private static int sharedBytes(int headDim) {
    return switch (headDim) {
      case 32 -> 20480;
      case 64 -> 36864;
      case 80 -> 45056;
      case 96 -> 53248;
      case 128 -> 69632;
      case 256 -> 101376;
      default -> throw new IllegalArgumentException("head dim is " + headDim);
    };
  }

  @Override
  public int itemRows() {
    return ITEM_ROWS;
  }

  @Override
  public void attend(
      CudaStream stream,
      int layer,
      int window,
      long q,
      int qStride,
      long out,
      long items,
      int count) {
    TileGeometry geometry = memory.geometry();
    arguments
        .begin()
        .address(q)
        .address(out)
        .address(memory.tiles().address())
        .address(memory.table().address())
        .address(items);
    memory
        .describe(arguments, groupSize, layer)
        .integer(window)
        .number((float) (1 / Math.sqrt(geometry.headDim())))
        .integer(qStride)
        .integer(groupSize * geometry.kvHeads() * geometry.headDim());
    kernel.launch(stream, count * geometry.kvHeads(), 1, 1, BLOCK, sharedBytes, arguments);
  }

  @Override
  public void close() {}
}
