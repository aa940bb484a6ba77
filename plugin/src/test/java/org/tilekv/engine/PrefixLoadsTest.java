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
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrefixLoadsTest {
  private static final EngineConfig CONFIG =
      new EngineConfig(8, 64, 16, 0, true, false).withLoadWaitMs(100);

  private static EngineFixture fixture(int pages) {
    FakeKvCache cache = new FakeKvCache(pages, CONFIG.maxBatchRows() + 8, 4, 512);
    return new EngineFixture(cache, new FakeDecoder(cache), CONFIG, null, new FakeSource(cache));
  }

  private static FakeSource source(EngineFixture fixture) {
    return (FakeSource) Objects.requireNonNull(fixture.source);
  }

  private static int[] prompt(int length, int seed) {
    return new Random(seed).ints(length, 2, FakeDecoder.VOCAB).toArray();
  }

  private static int[] alone(GenerationRequest request) {
    return EngineFixture.tokens(EngineFixture.of(400, CONFIG).run(List.of(request))).get(0);
  }

  @Test
  void aRowWaitsForItsLoadWhileOthersGoOn() {
    EngineFixture fixture = fixture(100);
    GenerationRequest waiting = EngineFixture.greedy(0, prompt(30, 1), 5);
    CompletableFuture<GenerationResult> first = fixture.engine.submit(waiting);
    CompletableFuture<GenerationResult> second =
        fixture.engine.submit(EngineFixture.greedy(1, prompt(3, 2), 2));
    for (int step = 0; step < 10; step++) {
      fixture.engine.runStep();
    }
    assertThat(second).isDone();
    assertThat(fixture.cache.open).isEmpty();
    FakeSource.Load load = source(fixture).loads.get(0);
    load.fill(28);
    load.end();
    fixture.run();
    assertThat(first.join().best().tokens()).isEqualTo(alone(waiting));
    EngineStats stats = fixture.engine.stats();
    assertThat(stats.prefixLoads()).isEqualTo(1);
    assertThat(stats.lateLoads()).isZero();
    assertThat(stats.promptTokensReused()).isEqualTo(28);
    assertThat(stats.promptTokensComputed()).isEqualTo(2 + 3);
    assertThat(source(fixture).asked).as("asked once for each row").isEqualTo(2);
    assertThat(source(fixture).computedTokens).isEqualTo(5);
  }

  @Test
  void waitingForALoadIsBounded() {
    EngineFixture fixture = fixture(100);
    GenerationRequest request = EngineFixture.greedy(0, prompt(30, 1), 5);
    CompletableFuture<GenerationResult> row = fixture.engine.submit(request);
    fixture.engine.runStep();
    fixture.nowNs += TimeUnit.MILLISECONDS.toNanos(99);
    fixture.engine.runStep();
    assertThat(fixture.cache.open).isEmpty();
    fixture.nowNs += TimeUnit.MILLISECONDS.toNanos(1);
    fixture.run();
    assertThat(row.join().best().tokens()).isEqualTo(alone(request));
    assertThat(fixture.engine.stats().lateLoads()).isEqualTo(1);
    assertThat(fixture.engine.stats().promptTokensComputed()).isEqualTo(30);
    assertThat(source(fixture).loads).hasSize(1);
  }

  @Test
  void allWhoNeedAPrefixWaitForOneLoad() {
    EngineFixture fixture = fixture(100);
    List<CompletableFuture<GenerationResult>> rows = new ArrayList<>();
    for (int row = 0; row < 5; row++) {
      rows.add(fixture.engine.submit(EngineFixture.greedy(row, prompt(29, 1), 2)));
    }
    fixture.engine.runStep();
    assertThat(fixture.cache.open).isEmpty();
    assertThat(source(fixture).loads).hasSize(1);
    source(fixture).loads.get(0).fill(28);
    source(fixture).loads.get(0).end();
    fixture.run();
    assertThat(rows).allMatch(CompletableFuture::isDone);
    assertThat(fixture.engine.stats().promptTokensComputed()).isEqualTo(5);
  }

  @Test
  void whatFailsToLoadIsComputed() {
    EngineFixture fixture = fixture(100);
    GenerationRequest request = EngineFixture.greedy(0, prompt(30, 1), 5);
    source(fixture).broken = true;
    CompletableFuture<GenerationResult> broken = fixture.engine.submit(request);
    fixture.run();
    assertThat(broken.join().best().tokens()).isEqualTo(alone(request));
    source(fixture).broken = false;
    fixture.cache.clear();
    CompletableFuture<GenerationResult> empty = fixture.engine.submit(request);
    fixture.engine.runStep();
    source(fixture).loads.get(0).end();
    fixture.run();
    assertThat(empty.join().best().tokens()).isEqualTo(alone(request));
    assertThat(source(fixture).loads).as("no second try").hasSize(1);
  }

  @Test
  void aRowFindsNoRoomBecauseOfLoadsAndDoesNotFail() {
    EngineFixture fixture = fixture(10);
    source(fixture).mostTokens = 12;
    CompletableFuture<GenerationResult> small =
        fixture.engine.submit(EngineFixture.greedy(0, prompt(25, 1), 2));
    fixture.engine.runStep();
    FakeSource.Load load = source(fixture).loads.get(0);
    load.fill(12);
    source(fixture).mostTokens = 0;
    CompletableFuture<GenerationResult> large =
        fixture.engine.submit(EngineFixture.greedy(1, prompt(38, 2), 2));
    fixture.engine.runStep();
    assertThat(large).isNotDone();
    assertThat(fixture.cache.open).hasSize(1);
    load.end();
    fixture.run();
    assertThat(small.join().best().tokens()).isNotEmpty();
    assertThat(large.join().best().tokens()).isNotEmpty();
  }

  @Test
  void aRunningRowIsSetBackForALoadAndDoesNotFail() {
    EngineFixture fixture = fixture(10);
    source(fixture).mostTokens = 16;
    GenerationRequest late = EngineFixture.greedy(0, prompt(17, 1), 20);
    CompletableFuture<GenerationResult> row = fixture.engine.submit(late);
    fixture.engine.runStep();
    fixture.nowNs += TimeUnit.SECONDS.toNanos(1);
    fixture.engine.runStep();
    FakeSource.Load load = source(fixture).loads.get(0);
    assertThat(fixture.cache.open).hasSize(1);
    int[] other = prompt(25, 3);
    source(fixture).mostTokens = 0;
    FakeSource.Load rival =
        source(fixture).new Load(new org.tilekv.SequenceRequest(other, -1, null, true));
    rival.fill(24);
    for (int step = 0; step < 30; step++) {
      fixture.engine.runStep();
    }
    assertThat(row).isNotDone();
    rival.end();
    load.end();
    fixture.run();
    assertThat(row.join().best().tokens()).isEqualTo(alone(late));
    assertThat(fixture.engine.stats().preemptions()).isPositive();
  }

  @Test
  void theEngineRestsUntilALoadEndsOrIsLate() {
    FakeKvCache cache = new FakeKvCache(100, 16, 4, 512);
    FakeSource source = new FakeSource(cache);
    EngineCounters counters = new EngineCounters();
    long[] nowNs = {0};
    PrefixLoads loads = new PrefixLoads(source, 100, counters, () -> nowNs[0], () -> {});
    Scheduler scheduler =
        new Scheduler(new FakeDecoder(cache), cache, CONFIG, counters, () -> nowNs[0], loads);
    assertThat(scheduler.restMs(1000)).isEqualTo(1000);
    scheduler.enqueue(
        new SampledRow(EngineFixture.greedy(0, prompt(30, 1), 5), 0, new TokenSampler(), null));
    scheduler.step();
    assertThat(scheduler.restMs(1000)).isEqualTo(100);
    nowNs[0] += TimeUnit.MILLISECONDS.toNanos(60);
    assertThat(scheduler.restMs(1000)).isEqualTo(40);
    source.loads.get(0).end();
    assertThat(scheduler.restMs(1000)).isZero();
    scheduler.step();
    assertThat(scheduler.restMs(1000)).isZero();
    assertThat(cache.open).hasSize(1);
  }

  private static Row row(int key, int[] prompt) {
    return new SampledRow(EngineFixture.greedy(key, prompt, 5), 0, new TokenSampler(), null);
  }

  @Test
  void aLateLoadKeepsNoRoomFromARowAheadOfIt() {
    FakeKvCache cache = new FakeKvCache(10, 16, 4, 512);
    FakeSource source = new FakeSource(cache);
    EngineCounters counters = new EngineCounters();
    long[] nowNs = {0};
    PrefixLoads loads = new PrefixLoads(source, 100, counters, () -> nowNs[0], () -> {});
    Admission admission = new Admission(cache, CONFIG, counters, () -> nowNs[0], loads);
    RunningRows running = new RunningRows(counters);
    admission.enqueue(row(1, prompt(24, 2)));
    admission.admit(running);
    assertThat(loads.pages()).isPositive();
    source.mostTokens = 0;
    Row ahead = row(0, prompt(24, 1));
    admission.requeue(ahead);
    admission.admit(running);
    assertThat(running.isEmpty()).as("the claim is respected in time").isTrue();
    nowNs[0] += TimeUnit.MILLISECONDS.toNanos(100);
    admission.admit(running);
    assertThat(running.oldestFirst()).containsExactly(ahead);
    assertThat(loads.pages()).isZero();
    assertThat(counters.lateLoads.sum()).isEqualTo(1);
    running.remove(ahead);
  }

  @Test
  void aRowThatHasNoRoomRestsUntilALateLoadEnds() {
    FakeKvCache cache = new FakeKvCache(10, 16, 4, 512);
    FakeSource source = new FakeSource(cache);
    EngineCounters counters = new EngineCounters();
    long[] nowNs = {0};
    PrefixLoads loads = new PrefixLoads(source, 100, counters, () -> nowNs[0], () -> {});
    Admission admission = new Admission(cache, CONFIG, counters, () -> nowNs[0], loads);
    RunningRows running = new RunningRows(counters);
    admission.enqueue(row(1, prompt(24, 2)));
    admission.admit(running);
    source.loads.get(0).fill(24);
    source.mostTokens = 0;
    admission.requeue(row(0, prompt(24, 1)));
    nowNs[0] += TimeUnit.MILLISECONDS.toNanos(100);
    admission.admit(running);
    assertThat(running.isEmpty()).isTrue();
    assertThat(admission.restMs(1000)).as("no spinning").isEqualTo(1000);
    source.loads.get(0).end();
    assertThat(admission.restMs(1000)).isZero();
    admission.admit(running);
    assertThat(running.isEmpty()).isFalse();
    List.copyOf(running.oldestFirst()).forEach(running::remove);
  }

  @Test
  void aCancelledRowGivesItsClaimUp() {
    FakeKvCache cache = new FakeKvCache(10, 16, 4, 512);
    FakeSource source = new FakeSource(cache);
    EngineCounters counters = new EngineCounters();
    PrefixLoads loads = new PrefixLoads(source, 100, counters, () -> 0, () -> {});
    Admission admission = new Admission(cache, CONFIG, counters, () -> 0, loads);
    Row row = row(1, prompt(24, 2));
    admission.enqueue(row);
    admission.admit(new RunningRows(counters));
    assertThat(loads.pages()).isPositive();
    row.future.cancel(false);
    admission.dropCancelled();
    assertThat(loads.pages()).isZero();
    source.loads.get(0).end();
  }

  @Test
  void theEndOfALoadWakesTheEngine() throws Exception {
    EngineConfig patient = CONFIG.withLoadWaitMs(3_600_000);
    FakeKvCache cache = new FakeKvCache(100, 16, 4, 512);
    FakeSource source = new FakeSource(cache);
    ContinuousBatchingEngine engine =
        new ContinuousBatchingEngine(
            new FakeDecoder(cache), cache, null, patient, 4096, null, source);
    try (engine) {
      CompletableFuture<GenerationResult> row =
          engine.submit(EngineFixture.greedy(0, prompt(30, 1), 5));
      while (engine.stats().prefixLoads() == 0) {
        Thread.onSpinWait();
      }
      source.loads.get(0).end();
      assertThat(row.get(60, TimeUnit.SECONDS).best().tokens()).isNotEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyRowGivesWhatItGivesAlone(long seed) {
    Random random = new Random(seed);
    EngineFixture fixture = fixture(30 + random.nextInt(40));
    FakeSource source = source(fixture);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int[] prompt : EngineFixture.sharedHeaderPrompts(random, 3, 40)) {
      requests.add(EngineFixture.greedy(requests.size(), prompt, 1 + random.nextInt(20)));
    }
    List<CompletableFuture<GenerationResult>> rows =
        requests.stream().map(fixture.engine::submit).toList();
    for (int step = 0; fixture.engine.runStep(); step++) {
      assertThat(step).as("seed %d: steps without an end", seed).isLessThan(100_000);
      fixture.nowNs += TimeUnit.MILLISECONDS.toNanos(random.nextInt(30));
      source.mostTokens = random.nextInt(80);
      source.broken = random.nextInt(10) == 0;
      for (FakeSource.Load load : source.loads) {
        advance(load, random);
      }
    }
    source.loads.forEach(FakeSource.Load::end);
    fixture.run();
    for (int row = 0; row < requests.size(); row++) {
      assertThat(rows.get(row).join().best().tokens())
          .as("seed %d, row %d", seed, row)
          .isEqualTo(alone(requests.get(row)));
    }
    assertThat(fixture.engine.stats().prefixLoads()).as("seed %d", seed).isPositive();
  }

  private static void advance(FakeSource.Load load, Random random) {
    if (load.future.isDone()) {
      return;
    }
    switch (random.nextInt(4)) {
      case 0 -> load.fill(random.nextInt(80));
      case 1 -> load.end();
      default -> {}
    }
  }
}
