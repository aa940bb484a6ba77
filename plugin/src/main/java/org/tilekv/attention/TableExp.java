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
  private static final int T0_BITS = Float.floatToRawIntBits(1f);
  private static final int T1_BITS = Float.floatToRawIntBits(0x1.306fep0f);
  private static final int T2_BITS = Float.floatToRawIntBits(0x1.6a09e6p0f);
  private static final int T3_BITS = Float.floatToRawIntBits(0x1.ae89fap0f);
  private static final int[] TABLE = {T0_BITS, T1_BITS, T2_BITS, T3_BITS};

  private static final int EXPONENT_BIAS = 127;
  private static final int MANTISSA_BITS = 23;

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
    float t = Float.intBitsToFloat(TABLE[step & 3]);
    int half = step >> 3;
    return Math.fma(t, p, t) * powerOfTwo(half) * powerOfTwo((step >> 2) - half);
  }

  private static float powerOfTwo(int exponent) {
    return Float.intBitsToFloat((exponent + EXPONENT_BIAS) << MANTISSA_BITS);
  }

  /** {@code e^x} of each lane, for vectors of {@link FloatVector#SPECIES_PREFERRED}. */
  public static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.max(MIN_ARGUMENT).min(MAX_ARGUMENT);
    FloatVector rounded =
        clamped.fma(
            FloatVector.broadcast(FLOATS, STEPS_PER_UNIT), FloatVector.broadcast(FLOATS, ROUND));
    IntVector step = rounded.reinterpretAsInts().sub(ROUND_BITS);
    FloatVector k = rounded.sub(ROUND);
    FloatVector r =
        k.fma(
            FloatVector.broadcast(FLOATS, -STEP_LOW),
            k.fma(FloatVector.broadcast(FLOATS, -STEP_HIGH), clamped));
    FloatVector q =
        r.fma(FloatVector.broadcast(FLOATS, C5), FloatVector.broadcast(FLOATS, C4))
            .fma(r, FloatVector.broadcast(FLOATS, C3))
            .fma(r, FloatVector.broadcast(FLOATS, C2));
    FloatVector p = r.mul(r).fma(q, r);
    FloatVector t = table(step);
    IntVector half = step.lanewise(VectorOperators.ASHR, 3);
    IntVector rest = step.lanewise(VectorOperators.ASHR, 2).sub(half);
    return t.fma(p, t).mul(powerOfTwo(half)).mul(powerOfTwo(rest));
  }

  private static FloatVector table(IntVector step) {
    VectorMask<Integer> odd = step.and(1).compare(VectorOperators.NE, 0);
    VectorMask<Integer> upper = step.and(2).compare(VectorOperators.NE, 0);
    IntVector low = IntVector.broadcast(INTS, T0_BITS).blend(T1_BITS, odd);
    IntVector high = IntVector.broadcast(INTS, T2_BITS).blend(T3_BITS, odd);
    return low.blend(high, upper).reinterpretAsFloats();
  }

  private static FloatVector powerOfTwo(IntVector exponent) {
    return exponent
        .add(EXPONENT_BIAS)
        .lanewise(VectorOperators.LSHL, MANTISSA_BITS)
        .reinterpretAsFloats();
  }
}
