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

import org.junit.jupiter.api.Test;

class RunningRowsTest {

  private final EngineCounters counters = new EngineCounters();
  private final RunningRows running = new RunningRows(counters);

  private Row row(int key) {
    int[] prompt = {2, 3, 4};
    Row row = new SampledRow(EngineFixture.greedy(key, prompt, 5), key, new TokenSampler(), null);
    running.add(row);
    return row;
  }

  @Test
  void theGaugeIsTheNumberOfRowsHoweverTheyLeave() {
    Row first = row(0);
    Row second = row(1);
    row(2).future.cancel(false);
    assertThat(counters.runningRows).isEqualTo(3);
    running.setBack(first);
    assertThat(counters.runningRows).as("one is set back").isEqualTo(2);
    running.dropCancelled();
    assertThat(counters.runningRows).as("one is cancelled").isEqualTo(1);
    running.remove(second);
    assertThat(counters.runningRows).isZero();
    assertThat(running.slots()).isZero();
  }
}
