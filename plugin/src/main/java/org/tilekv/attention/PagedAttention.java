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

import org.tilekv.ComputePool;

/**
 * Attention over tiles through the page table, for decode rows and prefill chunks alike.
 *
 * <p>Query head {@code h} reads KV head {@code h / (queryHeads / kvHeads)}. A token at position p
 * sees positions {@code max(0, p - window + 1)} to p, or all up to p where {@code window} is 0.
 * Scores are {@code scale * q.k}. The result of a token depends on its own q and on the K and V of
 * its row, bit for bit: not on the other segments, on the size of the chunk it came in, or on the
 * number of workers.
 */
public interface PagedAttention {

  /**
   * Stores K and V of a step's tokens in their tiles. Pages must be writable.
   *
   * @param layer transformer layer
   * @param segments rows and positions of the tokens
   * @param k first K vector at {@code kOffset}: token t, KV head h at {@code kOffset + t *
   *     rowStride + h * headDim}
   * @param v likewise at {@code vOffset}; may be the same array
   */
  void append(
      int layer,
      Segments segments,
      float[] k,
      int kOffset,
      float[] v,
      int vOffset,
      int rowStride,
      ComputePool pool);

  /**
   * Attends from every token of the step; the step's own K and V have been appended before.
   *
   * @param window sliding window in positions, 0 for none
   * @param q token t, query head h at {@code qOffset + t * qStride + h * headDim}
   * @param out token t, query head h at {@code t * queryHeads * headDim + h * headDim}
   */
  void attend(
      int layer,
      int window,
      Segments segments,
      float[] q,
      int qOffset,
      int qStride,
      float[] out,
      ComputePool pool);
}
