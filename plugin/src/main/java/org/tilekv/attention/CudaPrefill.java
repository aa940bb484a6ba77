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

import org.tilekv.cuda.CudaStream;

/**
 * Kernels that attend from chunks of segments; one implementation serves all of a model's steps.
 */
interface CudaPrefill extends AutoCloseable {

  /** Most query rows of a work item: tokens times query heads per KV head. */
  int itemRows();

  /** As {@link CudaPagedAttention#attend}. */
  void attend(
      CudaStream stream,
      int layer,
      int window,
      long q,
      int qStride,
      long out,
      long items,
      int count);

  @Override
  void close();
}
