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

import java.nio.ShortBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.tilekv.TileGeometry;

/**
 * float32 to bfloat16 by rounding to nearest, ties to even; NaN stays NaN. A chunk is converted in
 * a small heap array that stays in the L1 cache, then moved to the slab in one copy: vectors load
 * from arrays on every JDK, from direct memory by an API that changed.
 */
final class Bfloat16Codec implements TileCodec {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  private static final VectorSpecies<Short> SHORTS =
      VectorShape.forBitSize(FLOATS.vectorBitSize() / 2).withLanes(short.class);
  private static final int CHUNK = 4096;
  private static final int HALF_MINUS_ULP = 0x7fff;
  private static final int QUIET_NAN = 0x40;

  private static final ThreadLocal<short[]> STAGE = ThreadLocal.withInitial(() -> new short[CHUNK]);

  private final int elements;

  Bfloat16Codec(TileGeometry geometry) {
    this.elements = geometry.valueElements();
  }

  @Override
  public boolean encode(float[] src, int offset, Slab slab, int base) {
    short[] stage = STAGE.get();
    ShortBuffer out = slab.shorts();
    for (int done = 0; done < elements; done += CHUNK) {
      int count = Math.min(CHUNK, elements - done);
      encode(src, offset + done, stage, count);
      out.put(base / Short.BYTES + done, stage, 0, count);
    }
    return true;
  }

  @Override
  public void decode(Slab slab, int base, float[] dst, int offset) {
    short[] stage = STAGE.get();
    ShortBuffer in = slab.shorts();
    for (int done = 0; done < elements; done += CHUNK) {
      int count = Math.min(CHUNK, elements - done);
      in.get(base / Short.BYTES + done, stage, 0, count);
      decode(stage, dst, offset + done, count);
    }
  }

  private static void encode(float[] src, int offset, short[] dst, int count) {
    int i = 0;
    for (int end = FLOATS.loopBound(count); i < end; i += FLOATS.length()) {
      FloatVector values = FloatVector.fromArray(FLOATS, src, offset + i);
      IntVector bits = values.reinterpretAsInts();
      IntVector high = bits.lanewise(VectorOperators.LSHR, 16);
      IntVector rounded =
          bits.add(high.and(1)).add(HALF_MINUS_ULP).lanewise(VectorOperators.LSHR, 16);
      IntVector result =
          rounded.blend(high.or(QUIET_NAN), values.test(VectorOperators.IS_NAN).cast(INTS));
      ((ShortVector) result.convertShape(VectorOperators.I2S, SHORTS, 0)).intoArray(dst, i);
    }
    for (; i < count; i++) {
      dst[i] = toBfloat16(src[offset + i]);
    }
  }

  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int high = bits >>> 16;
    return (short)
        (Float.isNaN(value) ? high | QUIET_NAN : (bits + (high & 1) + HALF_MINUS_ULP) >>> 16);
  }

  private static void decode(short[] src, float[] dst, int offset, int count) {
    int i = 0;
    for (int end = FLOATS.loopBound(count); i < end; i += FLOATS.length()) {
      IntVector wide =
          (IntVector)
              ShortVector.fromArray(SHORTS, src, i).convertShape(VectorOperators.S2I, INTS, 0);
      wide.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(dst, offset + i);
    }
    for (; i < count; i++) {
      dst[offset + i] = Float.intBitsToFloat(src[i] << 16);
    }
  }
}
