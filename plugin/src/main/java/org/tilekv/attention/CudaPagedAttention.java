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

import java.util.Set;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;

/**
 * Launches paged attention on a device, for decode rows and prefill chunks alike. The kernels and
 * their contracts are described in {@code src/main/cuda/README.md}.
 *
 * <p>Scores are {@code q.k / sqrt(headDim)}. Used by one thread.
 */
public final class CudaPagedAttention {

  /** Head dims that there are kernels for. */
  public static final Set<Integer> HEAD_DIMS = Set.of(32, 64, 80, 96, 128, 256);

  /** Most query heads per KV head. */
  public static final int MAX_GROUP_SIZE = 64;

  private static final int BLOCK = 128;

  private final CudaKvMemory memory;
  private final TileGeometry geometry;
  private final int groupSize;
  private final CudaFunction prefill;
  private final int sharedBytes;
  private final KernelArguments arguments = new KernelArguments(15);

  public CudaPagedAttention(CudaKvMemory memory, int queryHeads, KernelModules kernels) {
    this.memory = memory;
    geometry = memory.geometry();
    groupSize = queryHeads / geometry.kvHeads();
    int dim = geometry.headDim();
    prefill =
        kernels.function(
            "attention_prefill", "tilekv_prefill_" + suffix(geometry.dtype()) + "_d" + dim);
    sharedBytes = geometry.dtype() == KvDtype.FLOAT32 ? 0 : sharedBytes(dim);
    if (sharedBytes > 0) {
      prefill.allowSharedBytes(sharedBytes);
    }
  }

  /** What kernels of a dtype are named by. */
  public static String suffix(KvDtype dtype) {
    return switch (dtype) {
      case FLOAT32 -> "f32";
      case FLOAT16 -> "f16";
      case BFLOAT16 -> "bf16";
      case INT8 -> throw new IllegalArgumentException("there are no kernels for INT8 tiles yet");
    };
  }

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

  /**
   * Attends from the tokens of a step, whose K and V are in their tiles.
   *
   * @param layer transformer layer
   * @param window sliding window in positions, 0 for none
   * @param q address of {@code [tokens, qStride]}, query heads side by side
   * @param out address of {@code [tokens, queryHeads * headDim]}
   * @param items address of int32 {@code [count, 4]}: page-table row, position of the first token,
   *     its index in the step, tokens
   */
  public void attend(
      CudaStream stream,
      int layer,
      int window,
      long q,
      int qStride,
      long out,
      long items,
      int count) {
    arguments
        .begin()
        .address(q)
        .address(out)
        .address(memory.tiles().address())
        .address(memory.table().address())
        .address(items)
        .integer(geometry.kvHeads())
        .integer(groupSize)
        .integer(memory.table().maxTiles())
        .integer(Integer.numberOfTrailingZeros(geometry.tileTokens()))
        .integer(geometry.tileElements())
        .integer(layer)
        .integer(window)
        .number((float) (1 / Math.sqrt(geometry.headDim())))
        .integer(qStride)
        .integer(groupSize * geometry.kvHeads() * geometry.headDim());
    prefill.launch(stream, count * geometry.kvHeads(), 1, 1, BLOCK, sharedBytes, arguments);
  }
}
