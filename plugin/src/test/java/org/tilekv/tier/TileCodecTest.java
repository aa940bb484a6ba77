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

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;

/** Conversions against plain arithmetic, with head dims that leave tails behind the vectors. */
class TileCodecTest {
  private static final TileKey KEY = TileKey.of(1, 0);

  @Test
  void bfloat16RoundsToNearestEven() {
    TileGeometry geometry = new TileGeometry(3, 1, 37, 64, KvDtype.BFLOAT16);
    float[] values = Tiles.gaussian(geometry.valueElements(), 5);
    int[] bits = {
      0x3f808000, 0x3f818000, 0x3f808001, 0x3f817fff, 0x7f7fffff, 0x7f800000, 0xff800000,
      0x7f800001, 0xffc00000, 0x00000001, 0x80000000, 0x00008000, 0x00018000, 0xbf818000
    };
    int[] expected = {
      0x3f80, 0x3f82, 0x3f81, 0x3f81, 0x7f80, 0x7f80, 0xff80,
      0x7fc0, 0xffc0, 0x0000, 0x8000, 0x0000, 0x0002, 0xbf82
    };
    for (int i = 0; i < bits.length; i++) {
      values[i] = Float.intBitsToFloat(bits[i]);
      values[values.length - bits.length + i] = values[i];
    }
    short[] stored = new short[values.length];
    float[] back = roundTrip(geometry, values, stored, null);
    for (int i = 0; i < bits.length; i++) {
      assertThat(stored[i]).as("vector, %x", bits[i]).isEqualTo((short) expected[i]);
      assertThat(stored[values.length - bits.length + i])
          .as("tail, %x", bits[i])
          .isEqualTo((short) expected[i]);
    }
    for (int i = bits.length; i < values.length; i++) {
      assertThat(stored[i]).isEqualTo(Bfloat16Codec.toBfloat16(values[i]));
      assertThat(Float.floatToRawIntBits(back[i])).isEqualTo(stored[i] << 16);
    }
  }

  @Test
  void int8IsSymmetricPerTokenAndHead() {
    TileGeometry geometry = new TileGeometry(2, 1, 37, 4, KvDtype.INT8);
    float[] values = Tiles.gaussian(geometry.valueElements(), 6);
    Arrays.fill(values, 0, 37, 0f);
    values[37] = 1e30f;
    ByteBuffer tile = ByteBuffer.allocate(geometry.tileBytes()).order(ByteOrder.LITTLE_ENDIAN);
    float[] back = roundTrip(geometry, values, null, tile);
    for (int layer = 0; layer < 2; layer++) {
      for (int slot = 0; slot < 4; slot++) {
        checkRow(
            values,
            back,
            tile,
            geometry.keyOffset(layer, slot),
            geometry.keyScaleOffset(layer, slot));
        checkRow(
            values,
            back,
            tile,
            geometry.valueOffset(layer, slot),
            geometry.valueScaleOffset(layer, slot));
      }
    }
  }

  private static void checkRow(
      float[] values, float[] back, ByteBuffer tile, int offset, int scaleOffset) {
    float max = 0;
    for (int i = 0; i < 37; i++) {
      max = Math.max(max, Math.abs(values[offset + i]));
    }
    float scale = tile.getFloat(scaleOffset);
    assertThat(scale).isEqualTo(max / 127f);
    for (int i = 0; i < 37; i++) {
      float value = values[offset + i];
      byte quant = (byte) (max == 0 ? 0 : Math.rint(value * (127f / max)));
      assertThat(tile.get(offset + i)).as("element %d", offset + i).isEqualTo(quant);
      assertThat(back[offset + i]).isEqualTo(quant * scale);
      assertThat(Math.abs(back[offset + i] - value)).isLessThanOrEqualTo(0.5001f * scale);
    }
  }

  @Test
  void anInt8TileWithoutFiniteValuesIsNotStored() {
    TileGeometry geometry = new TileGeometry(2, 1, 37, 4, KvDtype.INT8);
    float[] poison = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    try (HostTileCache cache = HostTileCache.create(geometry, Tiles.NAMESPACE, 10_000)) {
      for (int at : new int[] {0, 36, geometry.valueElements() - 1}) {
        for (float bad : poison) {
          float[] values = Tiles.gaussian(geometry.valueElements(), 6);
          values[at] = bad;
          assertThat(cache.put(KEY, values, 0)).as("%f at %d", bad, at).isFalse();
          assertThat(cache.contains(KEY)).isFalse();
        }
      }
      cache.checkIntegrity();
    }
  }

  private static float[] roundTrip(
      TileGeometry geometry,
      float[] values,
      short @Nullable [] shorts,
      @Nullable ByteBuffer bytes) {
    try (HostTileCache cache =
        HostTileCache.create(geometry, Tiles.NAMESPACE, geometry.tileBytes())) {
      assertThat(cache.put(KEY, values, 0)).isTrue();
      if (shorts != null) {
        cache.get(KEY, shorts, 0);
      }
      if (bytes != null) {
        cache.get(KEY, bytes, 0);
      }
      float[] back = new float[values.length];
      assertThat(cache.get(KEY, back, 0)).isTrue();
      return back;
    }
  }
}
