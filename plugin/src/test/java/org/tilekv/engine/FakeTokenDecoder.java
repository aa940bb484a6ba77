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

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.llm.StepBatch;
import org.tilekv.llm.StepSampling;
import org.tilekv.llm.TokenDecoder;

/**
 * A {@link FakeDecoder} that chooses tokens: as on a device, a step sees the page table as it was
 * when it was started, and its results are there when it is finished.
 */
final class FakeTokenDecoder extends FakeDecoder implements TokenDecoder {
  Runnable afterStart = () -> {};
  Runnable beforeFinish = () -> {};
  boolean drawsTokens = true;
  int mostLogitRows;
  int drawnTokens;
  private final TokenSampler sampler = new TokenSampler();
  private @Nullable StepBatch started;
  private List<float[]> results = List.of();

  FakeTokenDecoder(FakeKvCache cache) {
    super(cache);
  }

  @Override
  public boolean drawsTokens() {
    return drawsTokens;
  }

  @Override
  public void start(StepBatch batch) {
    if (started != null) {
      throw new IllegalStateException("the step before was not finished");
    }
    mostLogitRows = Math.max(mostLogitRows, batch.logitRows());
    drawnTokens += batch.sampling().rows();
    results = compute(batch);
    started = batch;
    afterStart.run();
  }

  @Override
  public void finish(float[] logits, int[] tokens) {
    StepBatch batch = started;
    started = null;
    beforeFinish.run();
    if (batch == null) {
      throw new IllegalStateException("no step was started");
    }
    int result = 0;
    int logitRow = 0;
    int token = 0;
    for (int s = 0; s < batch.size(); s++) {
      switch (batch.want(s)) {
        case LOGITS ->
            System.arraycopy(
                results.get(result++), 0, logits, logitRow++ * vocabSize(), vocabSize());
        case TOKEN -> tokens[token++] = choose(results.get(result++), batch.sampling(), s);
        default -> {}
      }
    }
  }

  private int choose(float[] logits, StepSampling how, int segment) {
    if (how.temperature(segment) == 0) {
      return TokenSampler.argmax(logits, 0, vocabSize());
    }
    SamplingParams params =
        new SamplingParams(how.temperature(segment), how.topK(segment), how.topP(segment), 0);
    return sampler.next(logits, 0, vocabSize(), params, how.draw(segment));
  }

  @Override
  public void step(StepBatch batch, float[] logits) {
    throw new IllegalStateException("the engine starts and finishes steps");
  }
}
