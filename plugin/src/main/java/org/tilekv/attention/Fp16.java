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

/** Conversion between float32 and IEEE 754 binary16, in plain integer arithmetic. */
public final class Fp16 {

  private static final int EXPONENT_SHIFT = 10;
  private static final int MANTISSA = 0x03FF;
  private static final int INFINITY = 0x7C00;
  private static final float TWO_POW_MINUS_24 = 0x1p-24f;
  private static final float TWO_POW_24 = 0x1p24f;

  private Fp16() {}

  /** The value of a binary16, exactly. */
  public static float toFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half & INFINITY) >>> EXPONENT_SHIFT;
    int mantissa = half & MANTISSA;
    int magnitude;
    if (exponent == 0) {
      magnitude = Float.floatToRawIntBits(mantissa * TWO_POW_MINUS_24);
    } else if (exponent == 31) {
      magnitude = 0x7F800000 | (mantissa << 13);
    } else {
      magnitude = ((exponent + 112) << 23) | (mantissa << 13);
    }
    return Float.intBitsToFloat(sign | magnitude);
  }

  /** The nearest binary16, ties to even; overflow goes to infinity, a NaN stays one. */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) {
      return (short) (sign | 0x7E00);
    }
    if (magnitude >= 0x477FF000) { // 65520, from which the nearest is infinity
      return (short) (sign | INFINITY);
    }
    if (magnitude < 0x38800000) { // 2^-14, below which the spacing is 2^-24
      return (short) (sign | (int) Math.rint((double) (Math.abs(value) * TWO_POW_24)));
    }
    int tieToEven = (magnitude >>> 13) & 1;
    return (short) (sign | ((magnitude - (112 << 23) + 0x0FFF + tieToEven) >>> 13));
  }
}
