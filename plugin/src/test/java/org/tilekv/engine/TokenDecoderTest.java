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

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.tilekv.llm.Decoder;

/** A decoder that chooses tokens gives the rows that one does whose logits are drawn from here. */
class TokenDecoderTest {
  private static final long SEED = 20261126;
  private static final EngineConfig CONFIG = EngineFixture.CONFIG;

  private static List<GenerationRequest> requests(Random random, int count, boolean beams) {
    List<int[]> prompts = EngineFixture.sharedHeaderPrompts(random, 3, count);
    SamplingParams[] ways = {
      SamplingParams.GREEDY,
      new SamplingParams(0.8, 0, 1, 11),
      new SamplingParams(1.5, 5, 1, 12),
      new SamplingParams(1, 0, 0.8, 13),
      new SamplingParams(2, 20, 0.6, 14)
    };
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      boolean search = beams && i % 6 == 5;
      requests.add(
          new GenerationRequest(
              1,
              i,
              prompts.get(i),
              20,
              Set.of(EngineFixture.EOS),
              List.of(),
              search ? SamplingParams.GREEDY : ways[i % ways.length],
              search ? 3 : 1,
              1.0,
              false,
              null));
    }
    return requests;
  }

  private static List<int[]> run(
      Decoder decoder, FakeKvCache cache, List<GenerationRequest> requests) {
    ContinuousBatchingEngine engine =
        new ContinuousBatchingEngine(decoder, cache, null, CONFIG, 4096, null, null, () -> 0);
    List<CompletableFuture<GenerationResult>> futures =
        requests.stream().map(engine::submit).toList();
    for (int step = 0; engine.runStep(); step++) {
      assertThat(step).as("steps without an end").isLessThan(100_000);
    }
    return EngineFixture.tokens(futures.stream().map(CompletableFuture::join).toList());
  }

  private static FakeKvCache cache(int pages) {
    return new FakeKvCache(pages, CONFIG.maxBatchRows(), 4, 512);
  }

  @Test
  void rowsAreTheSameWhereverTheirTokensAreChosen() {
    List<GenerationRequest> requests = requests(new Random(SEED), 60, true);
    FakeKvCache logitsCache = cache(400);
    FakeKvCache tokensCache = cache(400);
    FakeTokenDecoder chooser = new FakeTokenDecoder(tokensCache);
    List<int[]> expected = run(new FakeDecoder(logitsCache), logitsCache, requests);
    assertThat(run(chooser, tokensCache, requests))
        .as("seed %d", SEED)
        .usingRecursiveComparison()
        .isEqualTo(expected);
    assertThat(chooser.drawnTokens).isPositive();
  }

  @Test
  void noLogitsAreFetchedWithoutBeams() {
    FakeKvCache cache = cache(400);
    FakeTokenDecoder chooser = new FakeTokenDecoder(cache);
    run(chooser, cache, requests(new Random(SEED), 40, false));
    assertThat(chooser.mostLogitRows).isZero();
  }

  @Test
  void setBacksDrawTheSameTokens() {
    List<GenerationRequest> requests = requests(new Random(SEED), 40, false);
    FakeKvCache ample = cache(400);
    FakeKvCache small = cache(60);
    assertThat(run(new FakeTokenDecoder(small), small, requests))
        .as("seed %d", SEED)
        .usingRecursiveComparison()
        .isEqualTo(run(new FakeTokenDecoder(ample), ample, requests));
  }
}
