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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.engine.GenerationResult.Sequence;

/**
 * Random rows under random limits, with owners that go away: whatever the limits, a row gives what
 * it gives alone in a large pool, and no page stays behind.
 */
class EngineRandomTest {

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void everyRowGivesWhatItGivesAlone(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 8; round++) {
      String name = "seed " + seed + ", round " + round;
      EngineConfig config =
          new EngineConfig(
              1 + random.nextInt(8),
              4 + random.nextInt(40),
              1 + random.nextInt(20),
              random.nextInt(2) * 1000L,
              random.nextInt(4) > 0,
              false);
      int tileTokens = 1 << random.nextInt(4);
      int pages = 120 / tileTokens + random.nextInt(60);
      FakeKvCache cache = new FakeKvCache(pages, config.maxBatchRows(), tileTokens, 256);
      FakeDecoder decoder = decoder(random, cache);
      EngineFixture fixture = new EngineFixture(cache, decoder, config);
      List<GenerationRequest> requests = requests(random, config.maxBatchRows());
      runAndCompare(fixture, requests, random, name);
    }
  }

  private static FakeDecoder decoder(Random random, FakeKvCache cache) {
    if (random.nextInt(3) == 0) {
      return new FakeDecoder(cache);
    }
    FakeTokenDecoder decoder = new FakeTokenDecoder(cache);
    decoder.drawsTokens = random.nextBoolean();
    return decoder;
  }

  private static List<GenerationRequest> requests(Random random, int mostBeams) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int[] prompt : EngineFixture.sharedHeaderPrompts(random, 3, 25)) {
      boolean sampled = random.nextInt(3) == 0;
      int beams = sampled ? 1 : 1 + random.nextInt(Math.min(4, mostBeams));
      requests.add(
          new GenerationRequest(
              random.nextInt(4),
              requests.size(),
              prompt,
              1 + random.nextInt(25),
              Set.of(EngineFixture.EOS, 5),
              List.of(),
              sampled ? new SamplingParams(0.7, 20, 0.9, 11) : SamplingParams.GREEDY,
              beams,
              random.nextInt(3) * 0.5,
              random.nextBoolean(),
              random.nextInt(5) == 0 ? "tenant" : null));
    }
    return requests;
  }

  private static void runAndCompare(
      EngineFixture fixture, List<GenerationRequest> requests, Random random, String name) {
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    int steps = random.nextInt(30);
    for (GenerationRequest request : requests) {
      futures.add(fixture.engine.submit(request));
    }
    for (int step = 0; step < steps; step++) {
      fixture.engine.runStep();
      fixture.cache.checkIntegrity();
    }
    fixture.engine.cancelOwner(3);
    fixture.run();
    for (int i = 0; i < futures.size(); i++) {
      compare(futures.get(i), requests.get(i), name + ", row " + i);
    }
    EngineStats stats = fixture.engine.stats();
    assertThat(stats.rowsCompleted() + stats.rowsFailed() + stats.rowsCancelled())
        .as(name)
        .isEqualTo(requests.size());
  }

  private static void compare(
      CompletableFuture<GenerationResult> future, GenerationRequest request, String name) {
    assertThat(future).as(name).isDone();
    if (future.isCancelled()) {
      assertThat(request.owner()).as(name).isEqualTo(3);
      return;
    }
    try {
      assertThat(describe(future.join())).as(name).isEqualTo(describe(alone(request)));
    } catch (CompletionException e) {
      // Only beams can find out late that the pool is too small for them.
      assertThat(request.beams()).as(name + ": " + e.getMessage()).isGreaterThan(1);
      assertThat(e).as(name).hasMessageContaining("although no other row runs");
    }
  }

  private static GenerationResult alone(GenerationRequest request) {
    return EngineFixture.of(400, EngineFixture.CONFIG).run(List.of(request)).get(0);
  }

  private static List<String> describe(GenerationResult result) {
    return result.sequences().stream().map(EngineRandomTest::describe).toList();
  }

  private static String describe(Sequence sequence) {
    return Arrays.toString(sequence.tokens()) + sequence.score() + sequence.reason();
  }
}
