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

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;
import org.tilekv.engine.GenerationResult.FinishReason;
import org.tilekv.engine.GenerationResult.Sequence;
import org.tilekv.llm.StepBatch;
import org.tilekv.llm.StepBatch.Want;

/** A row with one continuation, greedy or sampled. A set-back keeps what was generated. */
final class SampledRow extends Row {
  private final TokenSampler sampler;
  private final @Nullable StopWatcher stopWatcher;
  private final int promptTokens;
  private int[] tokens;
  private int length;
  private @Nullable FinishReason reason;

  SampledRow(
      GenerationRequest request,
      long order,
      TokenSampler sampler,
      @Nullable StopWatcher stopWatcher) {
    super(request, order);
    this.sampler = sampler;
    this.stopWatcher = stopWatcher;
    this.tokens = request.prompt();
    this.promptTokens = tokens.length;
    this.length = promptTokens;
  }

  @Override
  int[] known() {
    return tokens;
  }

  @Override
  int knownTokens() {
    return length;
  }

  @Override
  boolean decoding() {
    return length > promptTokens && sequence().length() == length - 1;
  }

  @Override
  Want wanted(Chosen chosen) {
    boolean draws = request.sampling().temperature() > 0;
    Chosen needed = draws ? Chosen.LIKELIEST_AND_DRAWN : Chosen.LIKELIEST;
    return chosen.compareTo(needed) >= 0 ? Want.TOKEN : Want.LOGITS;
  }

  @Override
  void sample(StepBatch batch) {
    SamplingParams params = request.sampling();
    if (params.temperature() > 0) {
      double draw = Philox.uniform(params.seed(), request.rowKey(), length);
      batch.sample(params.temperature(), params.topK(), params.topP(), draw);
    }
  }

  @Override
  boolean choose(float[] logits, int offset, int vocab, EngineCounters counters) {
    SamplingParams sampling = request.sampling();
    return take(sampler.next(logits, offset, vocab, sampling, request.rowKey(), length), counters);
  }

  @Override
  boolean chosen(int token, EngineCounters counters) {
    if (token < 0) {
      throw new TileKvException("the decoder's logits have no finite maximum");
    }
    return take(token, counters);
  }

  private boolean take(int token, EngineCounters counters) {
    append(token);
    counters.outputTokens.increment();
    reason = ended(token);
    return reason != null;
  }

  private void append(int token) {
    if (length == tokens.length) {
      int most = promptTokens + request.maxNewTokens();
      tokens = Arrays.copyOf(tokens, Math.min(most, length + Math.max(16, length / 2)));
    }
    tokens[length++] = token;
  }

  private @Nullable FinishReason ended(int token) {
    if (request.eosTokens().contains(token)) {
      return FinishReason.EOS;
    }
    if (stopWatcher != null && stopWatcher.foundIn(tokens, promptTokens, length)) {
      return FinishReason.STOP_STRING;
    }
    return length - promptTokens == request.maxNewTokens() ? FinishReason.LENGTH : null;
  }

  @Override
  GenerationResult result() {
    FinishReason why = reason == null ? FinishReason.LENGTH : reason;
    int[] generated = Arrays.copyOfRange(tokens, promptTokens, length);
    int textTokens = why == FinishReason.EOS ? generated.length - 1 : generated.length;
    return new GenerationResult(
        List.of(new Sequence(generated, textTokens, 0, why)),
        promptTokens,
        reusedTokens(),
        firstTokenNanos());
  }
}
