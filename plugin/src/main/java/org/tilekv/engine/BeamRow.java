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

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.tilekv.TileKvException;
import org.tilekv.llm.StepBatch;
import org.tilekv.llm.StepBatch.Want;

/**
 * A row with several beams: one page-table row up to the end of the prompt, then one per beam, all
 * sharing what they have in common. A set-back starts the search again from the prompt.
 */
final class BeamRow extends Row {
  private final Supplier<BeamSearch> newSearch;
  private @Nullable BeamSearch search;

  BeamRow(GenerationRequest request, long order, Supplier<BeamSearch> newSearch) {
    super(request, order);
    this.newSearch = newSearch;
  }

  @Override
  int[] known() {
    return request.prompt();
  }

  @Override
  int knownTokens() {
    return request.prompt().length;
  }

  @Override
  boolean decoding() {
    return search != null;
  }

  @Override
  void setBack() {
    super.setBack();
    search = null;
  }

  @Override
  int plan(StepBatch batch, int room, Chosen chosen) {
    if (search == null) {
      return super.plan(batch, room, chosen);
    }
    int position = sequence().length();
    for (int beam = 0; beam < slots(); beam++) {
      int[] tokens = search.tokens(beam);
      batch.add(sequence().row(beam), position, tokens, search.length() - 1, 1, Want.LOGITS);
    }
    planned(slots(), slots(), false);
    return slots();
  }

  @Override
  void commit(EngineCounters counters) {
    if (search == null) {
      super.commit(counters);
      return;
    }
    for (int beam = 0; beam < slots(); beam++) {
      sequence().commit(beam, search.tokens(beam), search.length() - 1, 1);
    }
  }

  @Override
  boolean choose(float[] logits, int offset, int vocab, EngineCounters counters) {
    boolean first = search == null;
    if (search == null) {
      search = newSearch.get();
    }
    boolean done = search.advance(logits, offset, vocab);
    if (done) {
      counters.outputTokens.add(result().best().tokens().length);
    } else if (first) {
      fork();
    } else {
      sequence().reorder(search.parents());
    }
    return done;
  }

  private void fork() {
    if (!sequence().fork(slots())) {
      throw new TileKvException(
          this + " needs " + slots() + " page-table rows for its beams; there are fewer free");
    }
  }

  @Override
  GenerationResult result() {
    if (search == null) {
      throw new IllegalStateException(this + " has no result yet");
    }
    return new GenerationResult(
        search.hypotheses(), knownTokens(), reusedTokens(), firstTokenNanos());
  }
}
