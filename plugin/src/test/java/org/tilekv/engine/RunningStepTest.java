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

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.tilekv.TileKvException;

/** What goes wrong while a device's step runs: pages are kept until it has ended. */
class RunningStepTest {

  private static final int[] PROMPT = {2, 7, 12, 17, 22, 27, 32, 37};

  private final FakeKvCache cache = new FakeKvCache(500, 8, 4, 512);
  private final FakeTokenDecoder decoder = new FakeTokenDecoder(cache);
  private final EngineFixture fixture = new EngineFixture(cache, decoder, EngineFixture.CONFIG);
  private final GenerationRequest request = EngineFixture.greedy(0, PROMPT, 20);
  private final CompletableFuture<GenerationResult> row = fixture.engine.submit(request);

  /** Runs a step beside which the row fails. */
  private void assertFailsOnceTheStepHasEnded(String message) {
    int[] whileRunning = new int[1];
    decoder.beforeFinish = () -> whileRunning[0] = cache.stats().pinnedPages();
    fixture.engine.runStep();
    assertThat(whileRunning[0]).as("the device may still write there").isPositive();
    assertThat(cache.stats().pinnedPages()).isZero();
    assertThat(row).isDone();
    assertThatThrownBy(row::join)
        .hasCauseInstanceOf(TileKvException.class)
        .hasMessageContaining(message);
  }

  @Test
  void aRowThatCannotBeCommittedKeepsItsPages() {
    cache.commitFailsOf = request.owner();
    assertFailsOnceTheStepHasEnded("nothing can be committed");
  }

  @Test
  void aRowThatCannotReserveAheadFailsAlone() {
    decoder.afterStart =
        () -> cache.reserveFailure = new TileKvException("nothing can be reserved");
    assertFailsOnceTheStepHasEnded("nothing can be reserved");
    decoder.afterStart = () -> {};
    cache.reserveFailure = null;
    List<GenerationResult> next = fixture.run(List.of(EngineFixture.greedy(1, PROMPT, 3)));
    assertThat(next).as("the engine goes on").hasSize(1);
  }

  @Test
  void anErrorClosesTheEngine() {
    cache.commitFailure = new OutOfMemoryError("no heap");
    assertFailsOnceTheStepHasEnded("the engine stopped: java.lang.OutOfMemoryError: no heap");
  }
}
