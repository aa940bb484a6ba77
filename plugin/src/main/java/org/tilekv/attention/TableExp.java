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

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The exponential function in float32, table-driven; the scalar and the vector form give the same
 * bits.
 *
 * <p>With {@code k = round(4 x / ln 2)}, {@code e^x = 2^(k/4) e^r} where {@code |r| <= ln 2 / 8}.
 * {@code 2^(k/4)} is an entry of a table of four, held in registers, times a power of two; {@code
 * e^r} is a polynomial of degree 5 (Tang, "Table-driven implementation of the exponential function
 * in IEEE floating-point arithmetic", 1989).
 *
 * <p>The error is below 1.25 ulp for every float, subnormal results included. Results below half of
 * the smallest float are 0, above the largest infinity; NaN gives NaN.
 */
public final class TableExp {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  private static final float MIN_ARGUMENT = -104f;
  private static final float MAX_ARGUMENT = 89f;

  // Adding it leaves the nearest integer in the low bits of the mantissa.
  private static final float ROUND = 0x1.8p23f;
  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);

  private static final float STEPS_PER_UNIT = (float) (4 / 0.6931471805599453);
  private static final float STEP_HIGH = (float) (0.6931471805599453 / 4);
  private static final float STEP_LOW = (float) (0.6931471805599453 / 4 - STEP_HIGH);

  private static final float C2 = 0.5f;
  private static final float C3 = 1f / 6;
  private static final float C4 = 1f / 24;
  private static final float C5 = 1f / 120;

  // 2^(j/4), rounded to nearest.
  private static final int[] TABLE = {
    Float.floatToRawIntBits(1f),
    Float.floatToRawIntBits(0x1.306fep0f),
    Float.floatToRawIntBits(0x1.6a09e6p0f),
    Float.floatToRawIntBits(0x1.ae89fap0f)
  };

  private static final int MANTISSA_BITS = 23;

  // The same as vectors.
  private static final FloatVector MIN_ARGUMENTS = FloatVector.broadcast(FLOATS, MIN_ARGUMENT);
  private static final FloatVector MAX_ARGUMENTS = FloatVector.broadcast(FLOATS, MAX_ARGUMENT);
  private static final FloatVector ROUNDS = FloatVector.broadcast(FLOATS, ROUND);
  private static final FloatVector STEPS_PER_UNITS = FloatVector.broadcast(FLOATS, STEPS_PER_UNIT);
  private static final FloatVector MINUS_STEPS_HIGH = FloatVector.broadcast(FLOATS, -STEP_HIGH);
  private static final FloatVector MINUS_STEPS_LOW = FloatVector.broadcast(FLOATS, -STEP_LOW);
  private static final FloatVector C2S = FloatVector.broadcast(FLOATS, C2);
  private static final FloatVector C3S = FloatVector.broadcast(FLOATS, C3);
  private static final FloatVector C4S = FloatVector.broadcast(FLOATS, C4);
  private static final FloatVector C5S = FloatVector.broadcast(FLOATS, C5);
  private static final IntVector T0S = IntVector.broadcast(INTS, TABLE[0]);
  private static final IntVector T1S = IntVector.broadcast(INTS, TABLE[1]);
  private static final IntVector T2S = IntVector.broadcast(INTS, TABLE[2]);
  private static final IntVector T3S = IntVector.broadcast(INTS, TABLE[3]);
  private static final IntVector ZEROS = IntVector.zero(INTS);

  private TableExp() {}

  /** {@code e^x}. */
  public static float exp(float x) {
    float clamped = Math.min(Math.max(x, MIN_ARGUMENT), MAX_ARGUMENT);
    float rounded = Math.fma(clamped, STEPS_PER_UNIT, ROUND);
    int step = Float.floatToRawIntBits(rounded) - ROUND_BITS;
    float k = rounded - ROUND;
    float r = Math.fma(k, -STEP_LOW, Math.fma(k, -STEP_HIGH, clamped));
    float q = Math.fma(Math.fma(Math.fma(r, C5, C4), r, C3), r, C2);
    float p = Math.fma(r * r, q, r);
    int half = step >> 3;
    int rest = (step >> 2) - half;
    float t = Float.intBitsToFloat(TABLE[step & 3] + (half << MANTISSA_BITS));
    float power = Float.intBitsToFloat((rest << MANTISSA_BITS) + TABLE[0]);
    return Math.fma(t, p, t) * power;
  }

  /**
   * {@code to[toIndex + i] = e^(from[fromIndex + i] + shift)} for {@code count} elements; {@code
   * to} may be {@code from}.
   */
  public static void exp(
      float[] from, int fromIndex, float shift, float[] to, int toIndex, int count) {
    int vectors = FLOATS.loopBound(count);
    for (int i = 0; i < vectors; i += LANES) {
      FloatVector x = FloatVector.fromArray(FLOATS, from, fromIndex + i);
      exp(x.add(shift)).intoArray(to, toIndex + i);
    }
    for (int i = vectors; i < count; i++) {
      to[toIndex + i] = exp(from[fromIndex + i] + shift);
    }
  }

  /**
   * {@code e^x} of each lane, for vectors of {@link FloatVector#SPECIES_PREFERRED}.
   *
   * <p>It takes much of what the compiler inlines into one method; a caller that does more than
   * that with vectors had better use the form for arrays.
   */
  public static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.max(MIN_ARGUMENTS).min(MAX_ARGUMENTS);
    FloatVector rounded = clamped.fma(STEPS_PER_UNITS, ROUNDS);
    IntVector step = rounded.reinterpretAsInts().sub(ROUNDS.reinterpretAsInts());
    FloatVector k = rounded.sub(ROUNDS);
    FloatVector r = k.fma(MINUS_STEPS_LOW, k.fma(MINUS_STEPS_HIGH, clamped));
    FloatVector q = r.fma(C5S, C4S).fma(r, C3S).fma(r, C2S);
    FloatVector p = r.mul(r).fma(q, r);
    IntVector half = step.lanewise(VectorOperators.ASHR, 3);
    IntVector rest = step.lanewise(VectorOperators.ASHR, 2).sub(half);
    FloatVector t =
        table(step).add(half.lanewise(VectorOperators.LSHL, MANTISSA_BITS)).reinterpretAsFloats();
    FloatVector power =
        rest.lanewise(VectorOperators.LSHL, MANTISSA_BITS).add(T0S).reinterpretAsFloats();
    return t.fma(p, t).mul(power);
  }

  private static IntVector table(IntVector step) {
    VectorMask<Integer> odd = step.lanewise(VectorOperators.LSHL, 31).lt(ZEROS);
    VectorMask<Integer> upper = step.lanewise(VectorOperators.LSHL, 30).lt(ZEROS);
    return T0S.blend(T1S, odd).blend(T2S.blend(T3S, odd), upper);
  }
}
