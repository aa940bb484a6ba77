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

import org.jspecify.annotations.Nullable;
import org.tilekv.attention.CudaPagedAttention;

/** Which models there are kernels for. */
public final class CudaShapes {

  private static final int VECTOR = 8;
  private static final int MAX_HIDDEN = 16384;
  private static final int MAX_VOCAB = 1 << 20;

  private CudaShapes() {}

  /** Why a model cannot run on a device; null where it can. */
  public static @Nullable String unsupported(ModelConfig config) {
    int group = config.queryHeads() / config.kvHeads();
    if (!CudaPagedAttention.HEAD_DIMS.contains(config.headDim())) {
      return "head dim is "
          + config.headDim()
          + "; there are kernels for "
          + CudaPagedAttention.HEAD_DIMS.stream().sorted().toList();
    }
    if (group > CudaPagedAttention.MAX_GROUP_SIZE) {
      return group
          + " query heads share a KV head; there are kernels for up to "
          + CudaPagedAttention.MAX_GROUP_SIZE;
    }
    if (config.hiddenSize() % VECTOR != 0 || config.hiddenSize() > MAX_HIDDEN) {
      return "hidden size is "
          + config.hiddenSize()
          + "; there are kernels for multiples of "
          + VECTOR
          + " up to "
          + MAX_HIDDEN;
    }
    if (config.intermediateSize() % VECTOR != 0) {
      return "intermediate size is "
          + config.intermediateSize()
          + "; there are kernels for multiples of "
          + VECTOR;
    }
    if (config.vocabSize() > MAX_VOCAB) {
      return "the vocabulary has "
          + config.vocabSize()
          + " tokens; there are kernels for up to "
          + MAX_VOCAB;
    }
    return null;
  }

  static void check(ModelConfig config) {
    String why = unsupported(config);
    if (why != null) {
      throw new InvalidModelException("the model cannot run on a device: " + why);
    }
  }
}
