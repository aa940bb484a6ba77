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

/**
 * A decoder-only language model whose K and V live in tiles. Library authors bring their own by
 * implementing this interface; {@code CpuDecoder} is the one for Hugging Face checkpoints.
 *
 * <p>Used by one thread at a time. The logits of a segment must not depend on what else is in the
 * batch.
 */
public interface Decoder extends AutoCloseable {

  /** Tokens of the vocabulary: the length of a row of logits. */
  int vocabSize();

  /** Longest sequence in tokens, prompt and answer together. */
  int maxPositions();

  /**
   * Runs one forward step: writes K and V of every token through the page table and returns logits.
   *
   * @param batch tokens whose pages have been reserved
   * @param logits receives {@code [batch.logitRows(), vocabSize()]}
   */
  void step(StepBatch batch, float[] logits);

  @Override
  void close();
}
