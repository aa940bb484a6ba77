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
package org.tilekv.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HalfConversionTest {

  @Test
  void everyHalfWidensAndRoundsBack() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = Fp16.toFloat((short) bits);
      if (Float.isNaN(value)) {
        assertThat(bits & 0x7FFF).isGreaterThan(0x7C00);
        assertThat(Fp16.toFloat(Fp16.fromFloat(value))).isNaN();
      } else {
        assertThat(Fp16.fromFloat(value)).isEqualTo((short) bits);
      }
    }
    assertThat(Fp16.toFloat((short) 0x3C00)).isEqualTo(1f);
    assertThat(Fp16.toFloat((short) 0x7BFF)).isEqualTo(65504f);
    assertThat(Fp16.toFloat((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(Fp16.toFloat((short) 0xFC00)).isEqualTo(Float.NEGATIVE_INFINITY);
  }

  @Test
  void halvesRoundToNearestTiesToEven() {
    assertThat(Fp16.fromFloat(1 + 0x1p-11f)).isEqualTo((short) 0x3C00);
    assertThat(Fp16.fromFloat(1 + 0x3p-11f)).isEqualTo((short) 0x3C02);
    assertThat(Fp16.fromFloat(65519.99f)).isEqualTo((short) 0x7BFF);
    assertThat(Fp16.fromFloat(65520f)).isEqualTo((short) 0x7C00);
    assertThat(Fp16.fromFloat(-0x1p-25f)).isEqualTo((short) 0x8000);
  }

  @Test
  void bfloat16RoundsToTheNearer() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 100_000; i++) {
      float value =
          (float) ((random.nextDouble() - 0.5) * Math.scalb(1.0, random.nextInt(60) - 30));
      short bits = Bf16.fromFloat(value);
      float rounded = Bf16.toFloat(bits);
      float error = Math.abs(rounded - value);
      assertThat(error).isLessThanOrEqualTo(Math.abs(neighbour(bits, 1) - value));
      assertThat(error).isLessThanOrEqualTo(Math.abs(neighbour(bits, -1) - value));
      assertThat(Bf16.fromFloat(rounded)).isEqualTo(bits);
    }
    assertThat(Bf16.fromFloat(1 + 0x1p-8f)).isEqualTo((short) 0x3F80);
    assertThat(Bf16.fromFloat(1 + 0x3p-8f)).isEqualTo((short) 0x3F82);
    assertThat(Bf16.toFloat(Bf16.fromFloat(Float.NaN))).isNaN();
    assertThat(Bf16.toFloat(Bf16.fromFloat(Float.MAX_VALUE))).isInfinite();
  }

  private static float neighbour(short bits, int step) {
    return Bf16.toFloat((short) (bits + step));
  }
}
