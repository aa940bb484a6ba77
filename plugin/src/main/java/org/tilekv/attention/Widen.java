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

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Widening of stored elements to float32 in vector registers. */
final class Widen {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
  // The smallest shape is 64 bits: with 128-bit floats only half of the bytes are used.
  private static final VectorSpecies<Byte> BYTES =
      VectorSpecies.of(
          byte.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 4)));
  private static final int LANES = FLOATS.length();
  private static final int BF16_SHIFT = 16;

  private Widen() {}

  /** Widens {@code count} bfloat16. */
  static void bf16(short[] from, int fromIndex, float[] to, int toIndex, int count) {
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      IntVector bits =
          (IntVector)
              ShortVector.fromArray(SHORTS, from, fromIndex + i)
                  .convertShape(VectorOperators.S2I, INTS, 0);
      bits.lanewise(VectorOperators.LSHL, BF16_SHIFT)
          .reinterpretAsFloats()
          .intoArray(to, toIndex + i);
    }
    Bf16.toFloat(from, fromIndex + i, to, toIndex + i, count - i);
  }

  /** Widens {@code count} bytes and multiplies them by {@code scale}. */
  static void int8(byte[] from, int fromIndex, float scale, float[] to, int toIndex, int count) {
    int i = 0;
    for (; i <= count - BYTES.length(); i += LANES) {
      FloatVector values =
          (FloatVector)
              ByteVector.fromArray(BYTES, from, fromIndex + i)
                  .convertShape(VectorOperators.B2F, FLOATS, 0);
      values.mul(scale).intoArray(to, toIndex + i);
    }
    for (; i < count; i++) {
      to[toIndex + i] = from[fromIndex + i] * scale;
    }
  }
}
