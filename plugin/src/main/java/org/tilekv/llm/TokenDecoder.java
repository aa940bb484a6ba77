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
 * A decoder that can choose tokens where its logits are, the likeliest or a drawn one, so that a
 * step returns one number per row and not a row of logits. A step is started and, later, finished:
 * what a caller does between the two runs beside the device. One step at a time; used by one
 * thread.
 */
public interface TokenDecoder extends Decoder {

  /**
   * Starts one forward step. The batch must not change until the step is finished. A step that
   * throws here is not to be finished.
   *
   * @param batch tokens whose pages have been reserved
   */
  void start(StepBatch batch);

  /**
   * Waits for the step that was started.
   *
   * @param logits receives {@code [batch.logitRows(), vocabSize()]}
   * @param tokens receives the {@code batch.tokenRows()} tokens: drawn as {@link StepBatch#sample}
   *     says, else those with the highest logits, the first among equals; -1 where there is no
   *     finite maximum
   */
  void finish(float[] logits, int[] tokens);

  /** Whether it chooses drawn tokens too; where not, no segment of a batch may ask for one. */
  boolean drawsTokens();

  /** Runs one forward step in whose batch no segment wants a token. */
  @Override
  default void step(StepBatch batch, float[] logits) {
    start(batch);
    finish(logits, new int[0]);
  }
}
