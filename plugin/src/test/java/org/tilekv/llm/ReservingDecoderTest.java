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
package org.tilekv.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.tilekv.cuda.CudaFailures;
import org.tilekv.cuda.CudaOutOfMemoryException;

class ReservingDecoderTest {

  private final AtomicInteger closings = new AtomicInteger();
  private int steps;
  private int failing;

  private final TokenDecoder decoder =
      new TokenDecoder() {
        @Override
        public boolean drawsTokens() {
          return true;
        }

        @Override
        public int vocabSize() {
          return 7;
        }

        @Override
        public int maxPositions() {
          return 9;
        }

        @Override
        public void start(StepBatch batch) {
          steps++;
          if (failing > 0) {
            failing--;
            throw CudaFailures.outOfMemory();
          }
        }

        @Override
        public void finish(float[] logits, int[] tokens) {
          tokens[0] = 5;
        }

        @Override
        public void close() {
          throw new AssertionError("belongs to somebody else");
        }
      };

  private static final StepBatch BATCH = new StepBatch();

  @Test
  void aStepWithoutMemoryRunsAgainWithTheReserveGivenUp() {
    ReservingDecoder reserving = new ReservingDecoder(decoder, closings::incrementAndGet);
    failing = 1;
    int[] tokens = new int[1];
    reserving.start(BATCH);
    reserving.finish(new float[0], tokens);
    assertThat(tokens).containsExactly(5);
    assertThat(steps).isEqualTo(2);
    assertThat(closings).hasValue(1);
    reserving.close();
    assertThat(closings).hasValue(1);
  }

  @Test
  void withoutTheReserveTheStepFails() {
    ReservingDecoder reserving = new ReservingDecoder(decoder, closings::incrementAndGet);
    failing = 2;
    assertThatThrownBy(() -> reserving.start(BATCH)).isInstanceOf(CudaOutOfMemoryException.class);
    failing = 1;
    assertThatThrownBy(() -> reserving.start(BATCH)).isInstanceOf(CudaOutOfMemoryException.class);
    assertThat(steps).isEqualTo(3);
  }

  @Test
  void theReserveIsClosedWithTheDecoder() {
    ReservingDecoder reserving = new ReservingDecoder(decoder, closings::incrementAndGet);
    assertThat(reserving.vocabSize()).isEqualTo(7);
    assertThat(reserving.maxPositions()).isEqualTo(9);
    reserving.close();
    reserving.close();
    assertThat(closings).hasValue(1);
    assertThat(steps).isZero();
  }
}
