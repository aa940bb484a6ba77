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
package org.tilekv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ComputePoolTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void runsEveryItemOnceInManyShortRegions(int threads) {
    try (ComputePool pool = ComputePool.of(threads)) {
      for (int region = 0; region < 20_000; region++) {
        int items = region % 37;
        AtomicIntegerArray runs = new AtomicIntegerArray(items);
        pool.forEach(items, (item, worker) -> runs.incrementAndGet(item));
        for (int i = 0; i < items; i++) {
          assertThat(runs.get(i)).as("item %s of region %s", i, region).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void workersAreInRangeAndRunOneItemAtATime() {
    try (ComputePool pool = ComputePool.of(3)) {
      AtomicIntegerArray busy = new AtomicIntegerArray(pool.workers());
      for (int region = 0; region < 200; region++) {
        pool.forEach(
            100,
            (item, worker) -> {
              assertThat(busy.incrementAndGet(worker)).isEqualTo(1);
              busy.decrementAndGet(worker);
            });
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void throwsTheFirstFailureAndStaysUsable(int threads) {
    try (ComputePool pool = ComputePool.of(threads)) {
      assertThatThrownBy(
              () ->
                  pool.forEach(
                      50,
                      (item, worker) -> {
                        if (item == 7) {
                          throw new IllegalStateException("item 7");
                        }
                      }))
          .hasMessage("item 7");
      AtomicIntegerArray runs = new AtomicIntegerArray(10);
      pool.forEach(10, (item, worker) -> runs.incrementAndGet(item));
      for (int i = 0; i < 10; i++) {
        assertThat(runs.get(i)).isEqualTo(1);
      }
    }
  }

  @Test
  void refusesMoreItemsThanATicketHolds() {
    try (ComputePool pool = ComputePool.of(2)) {
      assertThatThrownBy(() -> pool.forEach(1 << 20, (item, worker) -> {}))
          .hasMessageContaining("1048575");
    }
  }
}
