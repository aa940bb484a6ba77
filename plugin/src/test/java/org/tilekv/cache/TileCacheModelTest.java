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
package org.tilekv.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tilekv.EvictionOrder;
import org.tilekv.KvDtype;

/**
 * Random calls against a plain model, in one order: every answer, every counter, the order of
 * eviction, which is the same by plan where there is none, and every byte of K and V.
 */
class TileCacheModelTest {

  private static final int CALLS = 25_000;

  @ParameterizedTest
  @CsvSource({"BFLOAT16, 3, PLAN", "INT8, 9, LRU", "FLOAT32, 24, PLAN", "INT8, 120, LRU"})
  void behavesLikeThePlainModel(KvDtype dtype, int tiles, EvictionOrder eviction) {
    long seed = System.nanoTime();
    String where = "start";
    try (CacheSimulation simulation =
        new CacheSimulation(dtype, tiles, eviction, new Random(seed))) {
      for (int call = 0; call < CALLS; call++) {
        where = "call " + call;
        simulation.step();
        if (call % 100 == 0) {
          simulation.verifyAll();
        }
      }
      where = "end";
      assertThat(simulation.unseen()).isNull();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("seed " + seed + ", " + where, e);
    }
  }
}
