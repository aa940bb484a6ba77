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
package org.tilekv.tier;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.tilekv.TileGeometry;

/**
 * float32 to int8, symmetric: a row (the K or V vector of one token) is divided by {@code max|x| /
 * 127} and rounded to nearest, ties to even; the divisor is the row's scale. Error of a value: at
 * most half a scale, plus rounding. A row whose maximum is below {@link #SMALLEST} becomes zeros
 * with scale 0; a tile with a NaN or an infinity is not storable.
 *
 * <p>Values are rounded by adding 1.5 * 2^23, which leaves the integer in the low bits of the sum
 * whatever the vector width, so that vector and scalar code give the same bytes.
 */
final class Int8Codec implements TileCodec {
  static final float SMALLEST = 1e-30f;
  private static final float MAX_QUANT = 127f;
  private static final float ROUNDING = 12_582_912f;

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

  /** A quarter of the width; vectors of less than 256 bits have none and take the scalar loops. */
  private static final boolean WIDE = FLOATS.vectorBitSize() >= 256;

  private static final VectorSpecies<Byte> BYTES =
      VectorShape.forBitSize(WIDE ? FLOATS.vectorBitSize() / 4 : 64).withLanes(byte.class);

  private static final ThreadLocal<byte[]> STAGE = ThreadLocal.withInitial(() -> new byte[0]);

  private final int headDim;
  private final int rows;
  private final int scales;

  Int8Codec(TileGeometry geometry) {
    this.headDim = geometry.headDim();
    this.rows = geometry.valueElements() / headDim;
    this.scales = geometry.keyScaleOffset(0, 0);
  }

  @Override
  public boolean encode(float[] src, int offset, Slab slab, int base) {
    byte[] stage = stage();
    for (int row = 0; row < rows; row++) {
      int from = offset + row * headDim;
      float max = maxMagnitude(src, from);
      if (!(max <= Float.MAX_VALUE)) {
        return false;
      }
      boolean zero = max < SMALLEST;
      quantise(src, from, zero ? 0f : MAX_QUANT / max, stage);
      slab.bytes().put(base + row * headDim, stage, 0, headDim);
      slab.bytes().putFloat(base + scales + row * Float.BYTES, zero ? 0f : max / MAX_QUANT);
    }
    return true;
  }

  @Override
  public void decode(Slab slab, int base, float[] dst, int offset) {
    byte[] stage = stage();
    for (int row = 0; row < rows; row++) {
      slab.bytes().get(base + row * headDim, stage, 0, headDim);
      float scale = slab.bytes().getFloat(base + scales + row * Float.BYTES);
      dequantise(stage, scale, dst, offset + row * headDim);
    }
  }

  private byte[] stage() {
    byte[] stage = STAGE.get();
    if (stage.length < headDim) {
      stage = new byte[headDim];
      STAGE.set(stage);
    }
    return stage;
  }

  /** NaN where there is one. A maximum does not depend on the order in which lanes are joined. */
  private float maxMagnitude(float[] src, int from) {
    FloatVector maxima = FloatVector.zero(FLOATS);
    int i = 0;
    for (int end = FLOATS.loopBound(headDim); i < end; i += FLOATS.length()) {
      maxima = maxima.max(FloatVector.fromArray(FLOATS, src, from + i).abs());
    }
    float max = maxima.reduceLanes(VectorOperators.MAX);
    for (; i < headDim; i++) {
      max = Math.max(max, Math.abs(src[from + i]));
    }
    return max;
  }

  private void quantise(float[] src, int from, float inverse, byte[] dst) {
    int i = 0;
    for (int end = WIDE ? FLOATS.loopBound(headDim) : 0; i < end; i += FLOATS.length()) {
      FloatVector scaled = FloatVector.fromArray(FLOATS, src, from + i).mul(inverse).add(ROUNDING);
      ((ByteVector) scaled.reinterpretAsInts().convertShape(VectorOperators.I2B, BYTES, 0))
          .intoArray(dst, i);
    }
    for (; i < headDim; i++) {
      dst[i] = (byte) Float.floatToRawIntBits(src[from + i] * inverse + ROUNDING);
    }
  }

  private void dequantise(byte[] src, float scale, float[] dst, int to) {
    int i = 0;
    for (int end = WIDE ? FLOATS.loopBound(headDim) : 0; i < end; i += FLOATS.length()) {
      ByteVector quants = ByteVector.fromArray(BYTES, src, i);
      ((FloatVector) quants.convertShape(VectorOperators.B2F, FLOATS, 0))
          .mul(scale)
          .intoArray(dst, to + i);
    }
    for (; i < headDim; i++) {
      dst[to + i] = src[i] * scale;
    }
  }
}
