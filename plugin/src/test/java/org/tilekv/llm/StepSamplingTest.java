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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.tilekv.llm.StepBatch.Want;

class StepSamplingTest {
  private final StepBatch batch = new StepBatch();
  private final ByteBuffer bytes = ByteBuffer.allocate(4096).order(ByteOrder.nativeOrder());

  private void add(Want want) {
    batch.add(0, 0, new int[] {1}, 0, 1, want);
  }

  private void expect(int at, double temperature, double topP, double draw, int topK) {
    assertThat(bytes.getDouble(at)).isEqualTo(temperature);
    assertThat(bytes.getDouble(at + 8)).isEqualTo(topP);
    assertThat(bytes.getDouble(at + 16)).isEqualTo(draw);
    assertThat(bytes.getInt(at + 24)).isEqualTo(topK);
    assertThat(bytes.getInt(at + 28)).isZero();
  }

  @Test
  void parametersAreThoseOfTheirSegment() {
    for (int s = 0; s < 40; s++) {
      add(s % 4 == 0 ? Want.LOGITS : Want.TOKEN);
      if (s % 4 > 1) {
        batch.sample(s, s + 1, 1.0 / s, s / 64.0);
      }
    }
    assertThat(batch.sampling().rows()).isEqualTo(20);
    for (int s = 0; s < 50; s++) {
      batch.sampling().put(s, bytes, s * StepSampling.BYTES);
    }
    for (int s = 0; s < 50; s++) {
      if (s % 4 > 1 && s < 40) {
        expect(s * StepSampling.BYTES, s, 1.0 / s, s / 64.0, s + 1);
      } else {
        expect(s * StepSampling.BYTES, 0, 1, 0, 0);
      }
    }
  }

  @Test
  void aClearedBatchDrawsNothing() {
    add(Want.TOKEN);
    batch.sample(1, 2, 0.5, 0.25);
    batch.clear();
    add(Want.TOKEN);
    assertThat(batch.sampling().rows()).isZero();
    assertThat(batch.sampling().temperature(0)).isZero();
    bytes.putDouble(0, 7);
    batch.sampling().put(0, bytes, 0);
    expect(0, 0, 1, 0, 0);
  }

  @Test
  void onlyTokensAreDrawn() {
    add(Want.LOGITS);
    assertThatThrownBy(() -> batch.sample(1, 0, 1, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("LOGITS");
  }
}
