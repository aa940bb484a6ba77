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

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConversionsTest {

  @Test
  void everyBfloat16SurvivesTheRoundTrip() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = Bf16.toFloat((short) bits);
      if (Float.isNaN(value)) {
        assertThat(Bf16.toFloat(Bf16.fromFloat(value))).isNaN();
      } else {
        assertThat(Bf16.fromFloat(value)).isEqualTo((short) bits);
      }
    }
  }

  @Test
  void everyBinary16SurvivesTheRoundTrip() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = Fp16.toFloat((short) bits);
      if (Float.isNaN(value)) {
        assertThat(Fp16.toFloat(Fp16.fromFloat(value))).isNaN();
      } else {
        assertThat(Fp16.fromFloat(value)).isEqualTo((short) bits);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "3F800000, 3F80", "3F807FFF, 3F80", "3F808000, 3F80", "3F808001, 3F81", "3F818000, 3F82",
    "7F7F7FFF, 7F7F", "7F7F8000, 7F80", "BF808001, BF81", "00000001, 0000", "80000000, 8000",
    "7F800000, 7F80", "7F800001, 7FC0", "FF800001, FFC0", "7FFFFFFF, 7FFF"
  })
  void bfloat16RoundsToNearestEven(String floatBits, String expected) {
    float value = Float.intBitsToFloat(Integer.parseUnsignedInt(floatBits, 16));
    assertThat(Bf16.fromFloat(value)).isEqualTo((short) Integer.parseInt(expected, 16));
  }

  @ParameterizedTest
  @CsvSource({
    "1.0, 3C00",
    "-2.0, C000",
    "65504, 7BFF",
    "65519.99, 7BFF",
    "65520, 7C00",
    "1e30, 7C00",
    "6.1035156e-5, 0400",
    "6.0975552e-5, 03FF",
    "5.9604645e-8, 0001",
    "2.9802322e-8, 0000",
    "2.9802326e-8, 0001",
    "8.940697e-8, 0002",
    "-1e-30, 8000",
    "1.00048828125, 3C00",
    "1.00146484375, 3C02",
    "0.33325195, 3555"
  })
  void binary16RoundsToNearestEven(float value, String expected) {
    assertThat(Fp16.fromFloat(value)).isEqualTo((short) Integer.parseInt(expected, 16));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 8, 16, 33, 64, 100})
  void arraysAreWidenedExactly(int count) {
    Random random = new Random(count);
    short[] halves = new short[count + 3];
    byte[] bytes = new byte[count + 3];
    random.nextBytes(bytes);
    for (int i = 0; i < halves.length; i++) {
      halves[i] = Bf16.fromFloat((float) random.nextGaussian());
    }
    float[] fromHalves = new float[count];
    float[] fromBytes = new float[count];
    Widen.bf16(halves, 3, fromHalves, 0, count);
    Widen.int8(bytes, 3, 0.37f, fromBytes, 0, count);
    for (int i = 0; i < count; i++) {
      assertThat(fromHalves[i]).isEqualTo(Bf16.toFloat(halves[3 + i]));
      assertThat(fromBytes[i]).isEqualTo(bytes[3 + i] * 0.37f);
    }
  }

  @Test
  void int8IsOffByHalfAScaleAtMost() {
    Random random = new Random(5);
    for (int round = 0; round < 1000; round++) {
      float[] values = new float[40];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (random.nextGaussian() * Math.pow(10, round % 60 - 30));
      }
      byte[] quantised = new byte[40];
      float scale = Int8.quantise(values, 0, quantised, 0, 40);
      for (int i = 0; i < values.length; i++) {
        assertThat(Math.abs(quantised[i] * scale - values[i])).isLessThan(scale * 0.50001f);
      }
    }
  }

  @Test
  void int8OfZerosAndOfVanishingValuesIsZero() {
    byte[] quantised = {1, 1};
    assertThat(Int8.quantise(new float[] {0f, -0f}, 0, quantised, 0, 2)).isZero();
    assertThat(quantised).containsOnly(0);
    assertThat(Int8.quantise(new float[] {1e-44f, -1e-40f}, 0, quantised, 0, 2)).isZero();
    assertThat(quantised).containsOnly(0);
  }

  @Test
  void scaleIsStoredLittleEndianAtAnyByte() {
    byte[] tile = new byte[9];
    Int8.setScale(tile, 3, 1f);
    assertThat(tile).containsExactly(0, 0, 0, 0, 0, (byte) 0x80, 0x3F, 0, 0);
    assertThat(Int8.scale(tile, 3)).isEqualTo(1f);
  }
}
