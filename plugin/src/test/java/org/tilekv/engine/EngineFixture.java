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
import org.jspecify.annotations.Nullable;
import org.tilekv.cache.PrefixSource;
import org.tilekv.llm.Tokenizer;

/** An engine over the fakes, driven by the test's own thread and clock. */
final class EngineFixture {
  static final int EOS = 1;
  static final EngineConfig CONFIG = new EngineConfig(8, 64, 16, 1000, true, true);

  final FakeKvCache cache;
  final FakeDecoder decoder;
  final ContinuousBatchingEngine engine;
  final @Nullable PrefixSource source;
  long nowNs;

  EngineFixture(FakeKvCache cache, FakeDecoder decoder, EngineConfig config) {
    this(cache, decoder, config, null);
  }

  EngineFixture(
      FakeKvCache cache, FakeDecoder decoder, EngineConfig config, @Nullable Tokenizer tokenizer) {
    this(cache, decoder, config, tokenizer, null);
  }

  EngineFixture(
      FakeKvCache cache,
      FakeDecoder decoder,
      EngineConfig config,
      @Nullable Tokenizer tokenizer,
      @Nullable PrefixSource source) {
    this.source = source;
    this.cache = cache;
    this.decoder = decoder;
    this.engine =
        new ContinuousBatchingEngine(
            decoder, cache, tokenizer, config, 4096, null, source, () -> nowNs);
  }

  static EngineFixture of(int pages, EngineConfig config) {
    FakeKvCache cache = new FakeKvCache(pages, config.maxBatchRows(), 4, 512);
    return new EngineFixture(cache, new FakeDecoder(cache), config);
  }

  /** Runs until no rows are left. */
  void run() {
    for (int step = 0; engine.runStep(); step++) {
      assertThat(step).as("steps without an end").isLessThan(100_000);
    }
    cache.checkIntegrity();
    assertThat(cache.open).isEmpty();
    assertThat(cache.stats().pinnedPages()).isZero();
  }

  List<GenerationResult> run(List<GenerationRequest> requests) {
    List<CompletableFuture<GenerationResult>> futures =
        requests.stream().map(engine::submit).toList();
    run();
    return futures.stream().map(CompletableFuture::join).toList();
  }

  static GenerationRequest greedy(int rowKey, int[] prompt, int maxNewTokens) {
    return GenerationRequest.greedy(1, rowKey, prompt, maxNewTokens, Set.of(EOS));
  }

  static GenerationRequest beams(int rowKey, int[] prompt, int maxNewTokens, int beams) {
    return new GenerationRequest(
        1,
        rowKey,
        prompt,
        maxNewTokens,
        Set.of(EOS),
        List.of(),
        SamplingParams.GREEDY,
        beams,
        1.0,
        false,
        null);
  }

  /** Rows that share one of several headers and, often, the first tokens after it. */
  static List<int[]> sharedHeaderPrompts(Random random, int headers, int rows) {
    List<int[]> starts = new ArrayList<>();
    for (int i = 0; i < headers; i++) {
      starts.add(random.ints(30 + random.nextInt(30), 2, FakeDecoder.VOCAB).toArray());
    }
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      int[] header = starts.get(random.nextInt(headers));
      int[] own = random.ints(1 + random.nextInt(12), 2, 5).toArray();
      int[] prompt = java.util.Arrays.copyOf(header, header.length + own.length);
      System.arraycopy(own, 0, prompt, header.length, own.length);
      prompts.add(prompt);
    }
    return prompts;
  }

  static List<int[]> tokens(List<GenerationResult> results) {
    return results.stream().map(result -> result.best().tokens()).toList();
  }
}
