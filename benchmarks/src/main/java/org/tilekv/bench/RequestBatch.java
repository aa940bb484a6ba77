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
package org.tilekv.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.tilekv.engine.EngineStats;
import org.tilekv.engine.GenerationRequest;
import org.tilekv.engine.GenerationResult;
import org.tilekv.engine.InferenceEngine;
import org.tilekv.engine.SamplingParams;

/**
 * Random requests with a common prefix, submitted to an engine at once: greedy, without end tokens.
 *
 * @param requests requests submitted at once
 * @param shared tokens of the common prefix
 * @param prompt tokens of a prompt, the shared ones included
 * @param newTokens tokens generated per request
 * @param vocab size of the vocabulary
 */
record RequestBatch(int requests, int shared, int prompt, int newTokens, int vocab) {

  /** What running a batch took. */
  record Outcome(double seconds, long outputTokens, long promptTokensComputed, long steps) {

    double outputRate() {
      return outputTokens / seconds;
    }

    double promptRate() {
      return promptTokensComputed / seconds;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%.3f s, %d output tokens, %.1f tokens/s, %d prompt tokens computed, %d steps of %.2f ms",
          seconds,
          outputTokens,
          outputRate(),
          promptTokensComputed,
          steps,
          1e3 * seconds / steps);
    }
  }

  /** Submits all requests at once and waits for the last. */
  Outcome run(InferenceEngine engine, long seed) {
    List<GenerationRequest> batch = generate(seed);
    EngineStats before = engine.stats();
    long start = System.nanoTime();
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    batch.forEach(request -> futures.add(engine.submit(request)));
    futures.forEach(CompletableFuture::join);
    double seconds = (System.nanoTime() - start) / 1e9;
    EngineStats after = engine.stats();
    return new Outcome(
        seconds,
        after.outputTokens() - before.outputTokens(),
        after.promptTokensComputed() - before.promptTokensComputed(),
        after.steps() - before.steps());
  }

  /** The requests; the same seed gives the same prompts. */
  List<GenerationRequest> generate(long seed) {
    Random random = new Random(seed);
    int[] prefix = random.ints(shared, 2, vocab).toArray();
    List<GenerationRequest> all = new ArrayList<>();
    for (int i = 0; i < requests; i++) {
      int[] tokens = Arrays.copyOf(prefix, prompt);
      for (int at = shared; at < prompt; at++) {
        tokens[at] = 2 + random.nextInt(vocab - 2);
      }
      all.add(
          new GenerationRequest(
              1,
              i,
              tokens,
              newTokens,
              Set.of(),
              List.of(),
              SamplingParams.GREEDY,
              1,
              1,
              false,
              null));
    }
    return all;
  }
}
