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

import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The error bound and the equality of both forms, checked on every float.
 *
 * <p>The reference is double precision: {@code e^x = e^a e^(x - a)} with {@link StrictMath#exp} at
 * the first float a of a block of neighbours and a Taylor polynomial for the rest, exact to about
 * 1e-14.
 */
class TableExpTest {

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  private static final double MAX_ERROR_ULPS = 1.25;
  private static final int BLOCK = 4096;
  private static final int TINY = Float.floatToRawIntBits(0x1p-25f);
  private static final int LARGEST_FINITE = Float.floatToRawIntBits(88.72283f);
  private static final int HUNDRED_AND_FOUR = Float.floatToRawIntBits(104f);
  private static final int INFINITY = 0x7F800000;
  private static final int NEGATIVE = 0x80000000;

  @Test
  void everyFloatThatSoftmaxUsesIsWithinTheBound() {
    assertThat(maxErrorUlps(NEGATIVE, HUNDRED_AND_FOUR)).isLessThan(MAX_ERROR_ULPS);
  }

  @Test
  void everyPositiveFloatIsWithinTheBound() {
    assertThat(maxErrorUlps(0, LARGEST_FINITE)).isLessThan(MAX_ERROR_ULPS);
  }

  @Test
  void everyFloatCloseToZeroGivesOne() {
    assertAll(0, TINY, 1f);
    assertAll(NEGATIVE, NEGATIVE | TINY, 1f);
  }

  @Test
  void everyFloatBeyondOverflowsOrUnderflows() {
    assertAll(LARGEST_FINITE + 1, INFINITY, Float.POSITIVE_INFINITY);
    assertAll(NEGATIVE | HUNDRED_AND_FOUR, NEGATIVE | INFINITY, 0f);
  }

  @Test
  void nanStaysNan() {
    assertThat(TableExp.exp(Float.NaN)).isNaN();
    assertThat(TableExp.exp(FloatVector.broadcast(FLOATS, Float.NaN)).lane(0)).isNaN();
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, 1e-9f, -1e-9f})
  void exponentialOfNothingIsOne(float x) {
    assertThat(TableExp.exp(x)).isEqualTo(1f);
  }

  /** Largest error over the magnitudes from {@link #TINY} to {@code lastMagnitude}. */
  private static double maxErrorUlps(int sign, int lastMagnitude) {
    return IntStream.rangeClosed(TINY / BLOCK, lastMagnitude / BLOCK)
        .parallel()
        .mapToDouble(block -> maxErrorOfBlock(sign, block * BLOCK, lastMagnitude))
        .max()
        .orElseThrow();
  }

  private static double maxErrorOfBlock(int sign, int first, int lastMagnitude) {
    float[] exps = exps(sign | first);
    double origin = Float.intBitsToFloat(sign | first);
    double atOrigin = StrictMath.exp(origin);
    int count = Math.min(BLOCK, lastMagnitude - first + 1);
    double max = 0;
    for (int i = 0; i < count; i++) {
      float x = Float.intBitsToFloat((sign | first) + i);
      double expected = atOrigin * expOfSmall(x - origin);
      max = Math.max(max, Math.abs(exps[i] - expected) * inverseUlp(expected));
    }
    return max;
  }

  /** For |x| below 0.04, which 4096 neighbours below 104 span at most. */
  private static double expOfSmall(double x) {
    double sum = 1. / 720 + x * (1. / 5040);
    sum = 1. / 120 + x * sum;
    sum = 1. / 24 + x * sum;
    sum = 1. / 6 + x * sum;
    sum = 0.5 + x * sum;
    return 1 + x * (1 + x * sum);
  }

  /** One over the spacing of floats at a double of their range. */
  private static double inverseUlp(double value) {
    long exponent = Double.doubleToRawLongBits(value) & 0x7FF0000000000000L;
    double inverse = Double.longBitsToDouble(0x7FE0000000000000L - exponent) * 0x1p23;
    return inverse < 0x1p149 ? inverse : 0x1p149;
  }

  /** Vector form of every float from one to another, scalar form of every 64th. */
  private static void assertAll(int firstBits, int lastBits, float expected) {
    IntStream.rangeClosed(0, (lastBits - firstBits) / BLOCK)
        .parallel()
        .forEach(block -> assertBlockIs(firstBits + block * BLOCK, lastBits, expected));
  }

  private static void assertBlockIs(int firstBits, int lastBits, float expected) {
    int lanes = FLOATS.length();
    IntVector steps = IntVector.zero(INTS).addIndex(1);
    for (int i = 0; i < BLOCK; i += lanes) {
      IntVector bits = steps.add(firstBits + i).min(lastBits);
      FloatVector exps = TableExp.exp(bits.reinterpretAsFloats());
      if (!exps.compare(VectorOperators.EQ, expected).allTrue()) {
        assertThat(exps.toArray()).as("from %08x on", firstBits + i).containsOnly(expected);
      }
    }
    for (int bits = firstBits; bits <= Math.min(lastBits, firstBits + BLOCK - 1); bits += 64) {
      float scalar = TableExp.exp(Float.intBitsToFloat(bits));
      if (scalar != expected) {
        assertThat(scalar).as("exp of %08x", bits).isEqualTo(expected);
      }
    }
  }

  /** Exponentials of {@link #BLOCK} neighbours by the vector form, compared with the scalar one. */
  private static float[] exps(int firstBits) {
    float[] exps = new float[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
      exps[i] = Float.intBitsToFloat(firstBits + i);
    }
    for (int i = 0; i < BLOCK; i += FLOATS.length()) {
      TableExp.exp(FloatVector.fromArray(FLOATS, exps, i)).intoArray(exps, i);
    }
    for (int i = 0; i < BLOCK; i++) {
      float scalar = TableExp.exp(Float.intBitsToFloat(firstBits + i));
      if (Float.floatToRawIntBits(scalar) != Float.floatToRawIntBits(exps[i])) {
        assertThat(scalar).as("exp of %08x", firstBits + i).isEqualTo(exps[i]);
      }
    }
    return exps;
  }
}
