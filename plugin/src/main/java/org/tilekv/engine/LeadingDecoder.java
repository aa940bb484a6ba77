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
package org.tilekv.engine;

import java.nio.ByteBuffer;
import org.tilekv.llm.Decoder;
import org.tilekv.llm.StepBatch;

/** The leader's decoder: each step is told to the other members before it is run. */
final class LeadingDecoder implements Decoder {

  private final Decoder decoder;
  private final CellLog log;
  private final CellLink link;

  /**
   * @param decoder of the leader's heads; not closed with this one
   */
  LeadingDecoder(Decoder decoder, CellLog log, CellLink link) {
    this.decoder = decoder;
    this.log = log;
    this.link = link;
  }

  @Override
  public int vocabSize() {
    return decoder.vocabSize();
  }

  @Override
  public int maxPositions() {
    return decoder.maxPositions();
  }

  @Override
  public void step(StepBatch batch, float[] logits) {
    tell(log.step(batch));
    decoder.step(batch, logits);
  }

  /** Sends what is left of the log and that nothing follows. */
  void end() {
    tell(log.end());
  }

  private void tell(ByteBuffer message) {
    for (int to = 1; to < link.size(); to++) {
      link.send(to, message.rewind());
    }
  }

  @Override
  public void close() {}
}
