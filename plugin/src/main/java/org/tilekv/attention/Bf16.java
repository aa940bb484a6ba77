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

/**
 * Conversion between float32 and bfloat16, the upper half of a float32.
 *
 * <p>Rounds to nearest, ties to even. Overflow goes to infinity; a NaN stays a (quiet) NaN of the
 * same sign.
 */
public final class Bf16 {

  private static final int QUIET_BIT = 0x0040;

  private Bf16() {}

  /** The value of a bfloat16, exactly. */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The nearest bfloat16. */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | QUIET_BIT);
    }
    int tieToEven = (bits >>> 16) & 1;
    return (short) ((bits + 0x7FFF + tieToEven) >>> 16);
  }

  /** Converts {@code count} elements. */
  public static void toFloat(short[] from, int fromIndex, float[] to, int toIndex, int count) {
    for (int i = 0; i < count; i++) {
      to[toIndex + i] = toFloat(from[fromIndex + i]);
    }
  }

  /** Converts {@code count} elements. */
  public static void fromFloat(float[] from, int fromIndex, short[] to, int toIndex, int count) {
    for (int i = 0; i < count; i++) {
      to[toIndex + i] = fromFloat(from[fromIndex + i]);
    }
  }
}
