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

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tilekv.KvDtype;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.KernelModules;

/**
 * Launches paged attention on a device, for decode rows and prefill chunks alike. The kernels and
 * their contracts are described in {@code src/main/cuda/README.md}.
 *
 * <p>Decode steps have kernels of their own in bf16 and fp16, which read a prefix that rows share
 * once for all of them where that is estimated to be faster.
 *
 * <p>Scores are {@code q.k / sqrt(headDim)}. Hopper devices have kernels of their own for some
 * shapes; whichever an object takes, it takes for all steps, because their results differ in bits.
 * Used by one thread.
 */
public final class CudaPagedAttention implements AutoCloseable {

  /** Head dims that there are kernels for. */
  public static final Set<Integer> HEAD_DIMS = Set.of(32, 64, 80, 96, 128, 256);

  /** Most query heads per KV head. */
  public static final int MAX_GROUP_SIZE = 64;

  private final int groupSize;
  private final CudaPrefill prefill;
  private final @Nullable CudaDecode decode;

  private CudaPagedAttention(int groupSize, CudaPrefill prefill, @Nullable CudaDecode decode) {
    this.groupSize = groupSize;
    this.prefill = prefill;
    this.decode = decode;
  }

  /**
   * Takes the kernels that fit the device and the shape best.
   *
   * @param stream order of what is uploaded here, and of the launches of decode steps
   * @param maxRows most rows of a decode step
   */
  public static CudaPagedAttention open(
      CudaDevice device,
      CudaStream stream,
      KernelModules kernels,
      CudaKvMemory memory,
      int queryHeads,
      int maxRows) {
    int group = queryHeads / memory.geometry().kvHeads();
    @Nullable HopperPrefill hopper = HopperPrefill.open(device, stream, kernels, memory, group);
    CudaPrefill prefill = hopper == null ? new PortablePrefill(memory, group, kernels) : hopper;
    try {
      CudaDecode decode = CudaDecode.open(device, stream, kernels, memory, group, maxRows, hopper);
      return new CudaPagedAttention(group, prefill, decode);
    } catch (Throwable failure) {
      prefill.close();
      throw failure;
    }
  }

  /** Takes the kernels for all devices. */
  static CudaPagedAttention portable(KernelModules kernels, CudaKvMemory memory, int queryHeads) {
    int group = queryHeads / memory.geometry().kvHeads();
    return new CudaPagedAttention(group, new PortablePrefill(memory, group, kernels), null);
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

  /** Most tokens of a work item. */
  public int itemTokens() {
    return prefill.itemRows() / groupSize;
  }

  /** Whether the kernels of Hopper are used. */
  boolean usesHopper() {
    return prefill instanceof HopperPrefill;
  }

  /**
   * Attends from the tokens of a step, whose K and V are in their tiles.
   *
   * @param layer transformer layer
   * @param window sliding window in positions, 0 for none
   * @param q address of {@code [tokens, qStride]}, query heads side by side; a multiple of 16
   *     bytes, as is the stride
   * @param out address of {@code [tokens, queryHeads * headDim]}
   * @param items address of int32 {@code [count, 4]}: page-table row, position of the first token,
   *     its index in the step, tokens; at most {@link #itemTokens} of them, none in padding
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
    prefill.attend(stream, layer, window, q, qStride, out, items, count);
  }

  /**
   * Plans of decode rows, one for each of the layers' sliding windows; none where there are no
   * kernels for decode rows and {@link #attend} serves them.
   */
  public List<DecodePlan> plans(int[] windows) {
    return decode == null
        ? List.of()
        : Arrays.stream(windows).distinct().mapToObj(decode::plan).toList();
  }

  /**
   * Attends from one token per row, whose K and V are in their tiles.
   *
   * @param layer transformer layer
   * @param q as for {@link #attend}
   * @param out as for {@link #attend}
   * @param plan of the step, for the layer's window
   * @param buffer address in device memory of the buffer that the plan was written to
   */
  public void decode(
      CudaStream stream, int layer, long q, int qStride, long out, DecodePlan plan, long buffer) {
    if (decode == null) {
      throw new IllegalStateException("there are no kernels for decode steps of this shape");
    }
    decode.attend(stream, layer, q, qStride, out, plan, buffer);
  }

  @Override
  public void close() {
    if (decode != null) {
      decode.close();
    }
    prefill.close();
  }
}
