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

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Symmetric 8-bit quantisation of one vector: {@code value = scale * q}, q from -127 to 127, {@code
 * scale = max|value| / 127}. The error of an element is at most half a scale.
 */
final class Int8 {

  private static final float LIMIT = 127f;
  private static final VarHandle FLOAT_LE =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

  private Int8() {}

  /**
   * Quantises {@code count} elements to nearest, ties to even.
   *
   * @return the scale, 0 for a vector of zeros or subnormals
   */
  static float quantise(float[] from, int fromIndex, byte[] to, int toIndex, int count) {
    float max = 0f;
    for (int i = 0; i < count; i++) {
      max = Math.max(max, Math.abs(from[fromIndex + i]));
    }
    // Below the normal floats, where 1 / scale overflows, a vector counts as zeros.
    float scale = max / LIMIT < Float.MIN_NORMAL ? 0f : max / LIMIT;
    float inverse = scale == 0f ? 0f : 1f / scale;
    for (int i = 0; i < count; i++) {
      float q = (float) Math.rint(from[fromIndex + i] * inverse);
      to[toIndex + i] = (byte) Math.max(-LIMIT, Math.min(LIMIT, q));
    }
    return scale;
  }

  /** A scale stored in a tile. */
  static float scale(byte[] tile, int byteIndex) {
    return (float) FLOAT_LE.get(tile, byteIndex);
  }

  /** Stores a scale in a tile. */
  static void setScale(byte[] tile, int byteIndex, float scale) {
    FLOAT_LE.set(tile, byteIndex, scale);
  }
}
