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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.tilekv.ProcessFatal;
import org.tilekv.TileKvException;
import org.tilekv.cuda.CudaFailures;
import org.tilekv.cuda.FatalCudaException;

class ContinuousBatchingEngineTest {
  private static final long SEED = 20261124;

  private static int[] prompt(int length, int first) {
    int[] tokens = new int[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = 2 + (first * 7 + i * 5) % 60;
    }
    return tokens;
  }

  private static List<GenerationRequest> mixedRequests(int rows) {
    Random random = new Random(SEED);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int[] prompt : EngineFixture.sharedHeaderPrompts(random, 3, rows)) {
      int row = requests.size();
      int maxNewTokens = 1 + random.nextInt(20);
      requests.add(
          row % 5 == 4
              ? EngineFixture.beams(row, prompt, maxNewTokens, 3)
              : EngineFixture.greedy(row, prompt, maxNewTokens));
    }
    return requests;
  }

  @Test
  void greedyFollowsTheModel() {
    EngineFixture fixture = EngineFixture.of(100, EngineFixture.CONFIG);
    int[] history = prompt(10, 1);
    GenerationResult result =
        fixture.run(List.of(EngineFixture.greedy(1, history.clone(), 12))).get(0);
    for (int token : result.best().tokens()) {
      assertThat(token)
          .isEqualTo(TokenSampler.argmax(FakeDecoder.hashedLogits(history), 0, FakeDecoder.VOCAB));
      history = java.util.Arrays.copyOf(history, history.length + 1);
      history[history.length - 1] = token;
    }
    assertThat(result.promptTokens()).isEqualTo(10);
    assertThat(result.best().tokens().length == 12 || token(result, -1) == EngineFixture.EOS)
        .isTrue();
  }

  private static int token(GenerationResult result, int fromEnd) {
    int[] tokens = result.best().tokens();
    return tokens[tokens.length + fromEnd];
  }

  @Test
  void stepsMixDecodeRowsWithChunks() {
    EngineConfig config = new EngineConfig(8, 20, 8, 0, false, false);
    EngineFixture fixture = EngineFixture.of(200, config);
    fixture.engine.submit(EngineFixture.greedy(0, prompt(5, 1), 6));
    fixture.engine.runStep();
    fixture.engine.submit(EngineFixture.greedy(1, prompt(30, 2), 2));
    fixture.engine.submit(EngineFixture.greedy(2, prompt(30, 3), 2));
    fixture.engine.submit(EngineFixture.greedy(3, prompt(30, 4), 2));
    fixture.run();
    // One decode row, then chunks of at most 8 tokens, at most 20 tokens together, oldest first.
    assertThat(fixture.decoder.segmentSizes.subList(0, 4))
        .containsExactly(List.of(5), List.of(1, 8, 8, 3), List.of(1, 8, 8, 3), List.of(1, 8, 8, 3));
    assertThat(fixture.decoder.segmentSizes)
        .allSatisfy(sizes -> assertThat(sizes.stream().mapToInt(i -> i).sum()).isBetween(1, 20));
  }

  @Test
  void rowsThatWaitAndRowsThatRunAreCounted() {
    EngineConfig config = new EngineConfig(2, 20, 8, 0, false, false);
    EngineFixture fixture = EngineFixture.of(200, config);
    for (int row = 0; row < 5; row++) {
      fixture.engine.submit(EngineFixture.greedy(row, prompt(5, row), 6));
    }
    assertThat(fixture.engine.stats().waitingRows()).isEqualTo(5);
    fixture.engine.runStep();
    assertThat(fixture.engine.stats().runningRows()).isEqualTo(2);
    assertThat(fixture.engine.stats().waitingRows()).isEqualTo(3);
    fixture.run();
    assertThat(fixture.engine.stats().runningRows()).isZero();
    assertThat(fixture.engine.stats().waitingRows()).isZero();
  }

  @Test
  void moreDecodeRowsThanAStepHoldsTakeTurns() {
    EngineConfig config = new EngineConfig(8, 3, 3, 0, false, false);
    EngineFixture fixture = EngineFixture.of(200, config);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int row = 0; row < 7; row++) {
      requests.add(EngineFixture.greedy(row, prompt(4 + row, row), 9));
    }
    List<int[]> small = EngineFixture.tokens(fixture.run(requests));
    List<int[]> large =
        EngineFixture.tokens(EngineFixture.of(200, EngineFixture.CONFIG).run(requests));
    assertThat(small).usingRecursiveComparison().isEqualTo(large);
  }

  @Test
  void outputDoesNotDependOnBatchChunksOrReuse() {
    List<GenerationRequest> requests = mixedRequests(40);
    List<int[]> expected =
        EngineFixture.tokens(EngineFixture.of(500, EngineFixture.CONFIG).run(requests));
    for (EngineConfig config :
        List.of(
            new EngineConfig(3, 3, 1, 0, false, false),
            new EngineConfig(8, 17, 5, 0, true, false),
            new EngineConfig(32, 512, 512, 1000, true, false))) {
      assertThat(EngineFixture.tokens(EngineFixture.of(500, config).run(requests)))
          .as("seed %d, %s", SEED, config)
          .usingRecursiveComparison()
          .isEqualTo(expected);
    }
  }

  @Test
  void setBackRowsGiveTheSameOutput() {
    List<GenerationRequest> requests = mixedRequests(40);
    List<int[]> expected =
        EngineFixture.tokens(EngineFixture.of(1000, EngineFixture.CONFIG).run(requests));
    EngineFixture small = EngineFixture.of(38, EngineFixture.CONFIG);
    assertThat(EngineFixture.tokens(small.run(requests)))
        .as("seed %d", SEED)
        .usingRecursiveComparison()
        .isEqualTo(expected);
    assertThat(small.engine.stats().preemptions()).isPositive();
    assertThat(small.engine.stats().recomputedTokens()).isPositive();
  }

  @Test
  void sharedPrefixesAreComputedOnce() {
    for (EngineConfig config :
        List.of(
            EngineFixture.CONFIG,
            new EngineConfig(64, 512, 64, 1_000_000, true, true),
            new EngineConfig(64, 512, 7, 1_000_000, true, true))) {
      FakeKvCache cache = new FakeKvCache(5000, config.maxBatchRows(), 1, 512);
      EngineFixture fixture = new EngineFixture(cache, new FakeDecoder(cache), config);
      List<int[]> prompts = EngineFixture.sharedHeaderPrompts(new Random(SEED), 5, 200);
      List<GenerationRequest> requests = new ArrayList<>();
      for (int[] prompt : prompts) {
        requests.add(EngineFixture.greedy(requests.size(), prompt, 3));
      }
      fixture.run(requests);
      EngineStats stats = fixture.engine.stats();
      // Every prompt computes its last token even where all of it is known.
      long distinct = stats.distinctPromptPositions();
      assertThat(distinct).isEqualTo(trieNodes(prompts));
      assertThat((double) stats.promptTokensComputed())
          .isLessThanOrEqualTo(1.02 * distinct + wholePrefixes(prompts));
      assertThat(stats.promptTokensComputed() + stats.promptTokensReused())
          .isEqualTo(stats.promptTokens());
      assertThat(stats.sharedPrefixWaits()).isPositive();
    }
  }

  private static long trieNodes(List<int[]> prompts) {
    return prompts.stream().flatMap(ContinuousBatchingEngineTest::prefixes).distinct().count();
  }

  private static java.util.stream.Stream<List<Integer>> prefixes(int[] prompt) {
    List<Integer> tokens = java.util.Arrays.stream(prompt).boxed().toList();
    return java.util.stream.IntStream.rangeClosed(1, tokens.size())
        .mapToObj(length -> tokens.subList(0, length));
  }

  /** Prompts that are a prefix of another one or equal to it. */
  private static long wholePrefixes(List<int[]> prompts) {
    long count = 0;
    for (int i = 0; i < prompts.size(); i++) {
      for (int j = 0; j < prompts.size(); j++) {
        int[] a = prompts.get(i);
        int[] b = prompts.get(j);
        if (i != j
            && a.length <= b.length
            && java.util.Arrays.equals(a, 0, a.length, b, 0, a.length)) {
          count++;
          break;
        }
      }
    }
    return count;
  }

  @Test
  void waitingForASharedPrefixIsBounded() {
    EngineConfig config = new EngineConfig(8, 1, 1, 10, true, false);
    EngineFixture fixture = EngineFixture.of(500, config);
    int[] shared = prompt(40, 1);
    fixture.engine.submit(EngineFixture.greedy(0, shared, 2));
    fixture.engine.submit(EngineFixture.greedy(1, shared, 2));
    fixture.engine.runStep();
    assertThat(fixture.cache.open).hasSize(1);
    fixture.nowNs += TimeUnit.MILLISECONDS.toNanos(9);
    fixture.engine.runStep();
    assertThat(fixture.cache.open).hasSize(1);
    fixture.nowNs += TimeUnit.MILLISECONDS.toNanos(1);
    fixture.engine.runStep();
    assertThat(fixture.cache.open).hasSize(2);
    assertThat(fixture.engine.stats().sharedPrefixWaits()).isEqualTo(1);
    fixture.run();
  }

  @Test
  void aPrefixThatGrowsIsWaitedForHoweverSlowly() {
    EngineFixture probe = EngineFixture.of(500, EngineFixture.CONFIG);
    int tile = probe.cache.geometry().tileTokens();
    EngineFixture fixture = EngineFixture.of(500, new EngineConfig(8, tile, tile, 10, true, false));
    int[] shared = prompt(10 * tile, 1);
    fixture.engine.submit(EngineFixture.greedy(0, shared, 2));
    fixture.engine.submit(EngineFixture.greedy(1, shared, 2));
    for (int step = 0; step < 8; step++) {
      fixture.engine.runStep();
      assertThat(fixture.cache.open).as("step %d", step).hasSize(1);
      fixture.nowNs += TimeUnit.MILLISECONDS.toNanos(9);
    }
    fixture.run();
    assertThat(fixture.engine.stats().promptTokensComputed()).isLessThan(11L * tile);
  }

  @Test
  void rowsThatShareNothingOvertakeAWaitingOne() {
    EngineFixture fixture = EngineFixture.of(500, EngineFixture.CONFIG);
    CompletableFuture<GenerationResult> first =
        fixture.engine.submit(EngineFixture.greedy(0, prompt(60, 1), 1));
    fixture.engine.submit(EngineFixture.greedy(1, prompt(60, 1), 1));
    fixture.engine.submit(EngineFixture.greedy(2, prompt(6, 2), 1));
    fixture.engine.runStep();
    assertThat(fixture.cache.open).hasSize(1);
    assertThat(fixture.decoder.segmentSizes).containsExactly(List.of(16, 6));
    assertThat(first).isNotDone();
    fixture.run();
  }

  @Test
  void cancellingAnOwnerFreesItsPages() {
    EngineConfig config = new EngineConfig(2, 64, 16, 0, true, false);
    EngineFixture fixture = EngineFixture.of(500, config);
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    for (int row = 0; row < 6; row++) {
      futures.add(fixture.engine.submit(EngineFixture.greedy(row, prompt(20, row), 50)));
    }
    fixture.engine.runStep();
    assertThat(fixture.cache.open).hasSize(2);
    CompletableFuture<GenerationResult> other =
        fixture.engine.submit(
            GenerationRequest.greedy(2, 9, prompt(20, 9), 3, java.util.Set.of(1)));
    assertThat(fixture.engine.cancelOwner(1)).isEqualTo(6);
    assertThat(fixture.engine.cancelOwner(1)).isZero();
    assertThat(futures).allMatch(CompletableFuture::isCancelled);
    fixture.run();
    assertThat(other.join().best().tokens()).isNotEmpty();
    assertThat(fixture.engine.stats().rowsCancelled()).isEqualTo(6);
    assertThat(fixture.engine.stats().rowsCompleted()).isEqualTo(1);
  }

  @Test
  void rowsThatCanNeverRunFailAlone() {
    EngineFixture fixture = EngineFixture.of(10, EngineFixture.CONFIG);
    CompletableFuture<GenerationResult> good =
        fixture.engine.submit(EngineFixture.greedy(0, prompt(8, 1), 2));
    assertFails(
        fixture.engine.submit(EngineFixture.greedy(7, prompt(4000, 1), 100)),
        "row 7 has 4000 prompt tokens and asks for 100 new ones, together 4100;"
            + " at most 4096 are allowed");
    assertFails(
        fixture.engine.submit(EngineFixture.greedy(8, prompt(38, 1), 4)),
        "row 8 needs 11 pages for 41 positions (1 KV heads, tiles of 4 tokens); the pool has 10");
    assertFails(
        fixture.engine.submit(EngineFixture.greedy(9, new int[] {3, 64}, 4)),
        "row 9 has the token id 64; allowed are 0 to 63");
    assertFails(
        fixture.engine.submit(EngineFixture.beams(10, prompt(3, 1), 4, 9)),
        "row 10 asks for 9 beams; at most 8 rows run at once");
    CompletableFuture<GenerationResult> tooWide =
        fixture.engine.submit(EngineFixture.beams(11, prompt(8, 1), 30, 8));
    fixture.run();
    assertThat(good.join().best().tokens()).isNotEmpty();
    assertFails(tooWide, "in 8 beams although no other row runs; the pool has 10 pages");
    assertThat(fixture.engine.stats().rowsFailed()).isEqualTo(5);
  }

  private static void assertFails(CompletableFuture<GenerationResult> future, String message) {
    assertThat(future).isDone();
    assertThatThrownBy(future::join)
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(TileKvException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aFailingStepFailsItsRowsOnly() {
    EngineFixture fixture = EngineFixture.of(500, EngineFixture.CONFIG);
    CompletableFuture<GenerationResult> bad =
        fixture.engine.submit(EngineFixture.greedy(0, prompt(8, 1), 20));
    fixture.engine.runStep();
    fixture.decoder.beforeStep =
        () -> {
          throw new IllegalStateException("weights are gone");
        };
    fixture.engine.runStep();
    assertFails(bad, "a forward step of row 0 of owner 1 failed: weights are gone");
    fixture.decoder.beforeStep = () -> {};
    assertThat(fixture.run(List.of(EngineFixture.greedy(1, prompt(8, 1), 3)))).hasSize(1);
  }

  @Test
  void tilesAreNamedWhileTheStepRunsAndAFailureThenClosesTheEngine() {
    FakeKvCache cache = new FakeKvCache(500, 8, 4, 512);
    FakeTokenDecoder decoder = new FakeTokenDecoder(cache);
    EngineFixture fixture = new EngineFixture(cache, decoder, EngineFixture.CONFIG);
    CompletableFuture<GenerationResult> row =
        fixture.engine.submit(EngineFixture.greedy(0, prompt(8, 1), 20));
    long[] computed = new long[1];
    decoder.beforeFinish = () -> computed[0] = fixture.engine.stats().promptTokensComputed();
    fixture.engine.runStep();
    assertThat(computed[0]).as("tokens committed before the step's results").isEqualTo(8);
    decoder.beforeFinish =
        () -> {
          throw new IllegalStateException("the device is gone");
        };
    assertThat(fixture.engine.runStep()).isFalse();
    assertFails(row, "the engine stopped");
    assertFails(
        fixture.engine.submit(EngineFixture.greedy(1, prompt(8, 1), 3)), "the engine is closed");
  }

  @Test
  void anErrorClosesTheEngine() {
    EngineFixture fixture = EngineFixture.of(500, EngineFixture.CONFIG);
    fixture.decoder.beforeStep =
        () -> {
          throw new UnsatisfiedLinkError("no device");
        };
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      futures.add(fixture.engine.submit(EngineFixture.greedy(row, prompt(8, row), 3)));
    }
    fixture.run();
    for (CompletableFuture<GenerationResult> future : futures) {
      assertFails(future, "the engine stopped: java.lang.UnsatisfiedLinkError: no device");
    }
    assertFails(
        fixture.engine.submit(EngineFixture.greedy(0, prompt(8, 1), 3)),
        "the engine is closed: java.lang.UnsatisfiedLinkError: no device");
  }

  @Test
  void aFatalFailureClosesTheEngineAndIsTheCause() {
    EngineFixture fixture = EngineFixture.of(500, EngineFixture.CONFIG);
    FatalCudaException broken = CudaFailures.illegalAddress();
    AtomicInteger steps = new AtomicInteger();
    fixture.decoder.beforeStep =
        () -> {
          steps.incrementAndGet();
          throw broken;
        };
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    for (int row = 0; row < 12; row++) {
      futures.add(fixture.engine.submit(EngineFixture.greedy(row, prompt(8, row), 3)));
    }
    fixture.run();
    futures.add(fixture.engine.submit(EngineFixture.greedy(0, prompt(8, 1), 3)));
    assertThat(steps).as("a broken context is not used again").hasValue(1);
    for (CompletableFuture<GenerationResult> future : futures) {
      assertThat(future)
          .failsWithin(Duration.ZERO)
          .withThrowableThat()
          .satisfies(e -> assertThat(ProcessFatal.in(e)).isSameAs(broken));
    }
  }

  @Test
  void leasesAreRenewedNowAndThen() {
    EngineFixture fixture = EngineFixture.of(500, EngineFixture.CONFIG);
    fixture.engine.submit(EngineFixture.greedy(0, prompt(8, 1), 40));
    fixture.engine.runStep();
    fixture.engine.runStep();
    assertThat(fixture.cache.expiries).isZero();
    fixture.nowNs += TimeUnit.SECONDS.toNanos(2);
    fixture.engine.runStep();
    assertThat(fixture.cache.expiries).isEqualTo(1);
    assertThat(fixture.cache.renewals).isEqualTo(1);
    fixture.run();
  }

  @Test
  void theThreadServesConcurrentSubmitters() throws Exception {
    FakeKvCache cache = new FakeKvCache(60, 8, 4, 512);
    FakeDecoder decoder = new FakeDecoder(cache);
    List<GenerationRequest> requests = mixedRequests(60);
    List<int[]> expected =
        EngineFixture.tokens(EngineFixture.of(1000, EngineFixture.CONFIG).run(requests));
    List<int[]> got;
    ContinuousBatchingEngine engine =
        new ContinuousBatchingEngine(decoder, cache, null, EngineFixture.CONFIG, 4096, null);
    try (engine) {
      List<CompletableFuture<GenerationResult>> futures =
          requests.parallelStream().map(engine::submit).toList();
      got = new ArrayList<>();
      for (CompletableFuture<GenerationResult> future : futures) {
        got.add(future.get(60, TimeUnit.SECONDS).best().tokens());
      }
    }
    assertThat(got).usingRecursiveComparison().isEqualTo(expected);
    assertThat(cache.open).isEmpty();
    assertThat(engine.submit(requests.get(0))).isCompletedExceptionally();
  }

  @Test
  void closingCancelsWhatIsLeft() {
    FakeKvCache cache = new FakeKvCache(60, 8, 4, 512);
    ContinuousBatchingEngine engine =
        new ContinuousBatchingEngine(
            new FakeDecoder(cache), cache, null, EngineFixture.CONFIG, 4096, null);
    List<CompletableFuture<GenerationResult>> futures = new ArrayList<>();
    for (int row = 0; row < 100; row++) {
      futures.add(engine.submit(EngineFixture.greedy(row, prompt(60, row), 100)));
    }
    engine.close();
    assertThat(futures).allMatch(CompletableFuture::isDone);
    assertThat(cache.open).isEmpty();
  }
}
