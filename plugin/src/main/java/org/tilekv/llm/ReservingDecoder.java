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

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.cuda.CudaOutOfMemoryException;
import org.tilekv.cuda.DeviceMemory;

/**
 * Lets steps run where another process has taken all memory of the device. Everything of ours is
 * allocated before the first step, but the driver and its libraries load kernels and capture graphs
 * when they are first used. So some memory is held back; the first step that finds none gives it up
 * and starts again. A step writes the same values to the same places each time. Used by one thread.
 */
final class ReservingDecoder implements TokenDecoder {

  private static final Logger LOG = LoggerFactory.getLogger(ReservingDecoder.class);

  private final TokenDecoder decoder;
  private final AutoCloseable reserve;
  private boolean held = true;

  /**
   * @param decoder is not closed with this one
   * @param reserve for example {@link DeviceMemory}; closed with this one or before
   */
  ReservingDecoder(TokenDecoder decoder, AutoCloseable reserve) {
    this.decoder = decoder;
    this.reserve = reserve;
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
  public boolean drawsTokens() {
    return decoder.drawsTokens();
  }

  @Override
  public void start(StepBatch batch) {
    try {
      decoder.start(batch);
    } catch (CudaOutOfMemoryException e) {
      if (!held) {
        throw e;
      }
      LOG.warn("a step finds no device memory; giving up what was held back for that: {}", e, e);
      close();
      decoder.start(batch);
    }
  }

  @Override
  public void finish(float[] logits, int[] tokens) {
    decoder.finish(logits, tokens);
  }

  @Override
  public void close() {
    if (!held) {
      return;
    }
    held = false;
    try {
      reserve.close();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
