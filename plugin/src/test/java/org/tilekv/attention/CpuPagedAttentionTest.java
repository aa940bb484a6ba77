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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;
import org.tilekv.TileArena;
import org.tilekv.TileGeometry;
import org.tilekv.page.PageTable;

/** Closeness to {@link ReferenceAttention}, which reads the same stored K and V. */
class CpuPagedAttentionTest {

  private static final ComputePool ONE = ComputePool.sameThread();
  private static final ComputePool TWO = ComputePool.of(2);

  // Weights sum to 1, so that the error is measured against the largest stored |v|, about 5.
  private static final double TOLERANCE = 5e-6;

  @AfterAll
  static void close() {
    TWO.close();
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void agreesWithReferenceForEveryDtype(KvDtype dtype) {
    assertClose(AttentionFixture.of(dtype, 16, 64, 2, 4, 2, 90), 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 16})
  void agreesForEveryHeadGroup(int group) {
    assertClose(AttentionFixture.of(KvDtype.FLOAT32, 16, 64, 2, group, 1, 70), 0);
  }

  @ParameterizedTest
  @CsvSource({
    "1,FLOAT32",
    "7,BFLOAT16",
    "8,INT8",
    "24,FLOAT32",
    "32,BFLOAT16",
    "33,INT8",
    "64,INT8",
    "80,FLOAT32",
    "80,INT8",
    "96,BFLOAT16",
    "128,FLOAT32",
    "128,INT8",
    "250,FLOAT32",
    "256,BFLOAT16"
  })
  void agreesForEveryHeadDim(int headDim, KvDtype dtype) {
    assertClose(AttentionFixture.of(dtype, 16, headDim, 1, 5, 1, 40), 0);
  }

  @ParameterizedTest
  @CsvSource({"1,20", "2,20", "8,100", "64,200", "128,300", "1024,150"})
  void agreesForEveryTileSize(int tileTokens, int context) {
    assertClose(AttentionFixture.of(KvDtype.BFLOAT16, tileTokens, 32, 1, 4, 1, context), 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 99, 100, 101, 1000})
  void agreesForEveryWindow(int window) {
    assertClose(AttentionFixture.of(KvDtype.FLOAT32, 8, 32, 1, 4, 1, 100), window);
    assertClose(AttentionFixture.of(KvDtype.BFLOAT16, 128, 32, 1, 3, 1, 100), window);
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void contextOfOneGivesItsValue(KvDtype dtype) {
    AttentionFixture fixture = AttentionFixture.of(dtype, 16, 64, 2, 4, 1, 1);
    assertClose(fixture, 0);
  }

  @Test
  void largeScoresDoNotOverflow() {
    AttentionFixture fixture = AttentionFixture.of(KvDtype.FLOAT32, 16, 64, 1, 4, 1, 80);
    for (int i = 0; i < fixture.q.length; i++) {
      fixture.q[i] *= 300;
    }
    float[] actual = fixture.attendAll(fixture.cpu(), 0, ONE);
    float[] expected = fixture.attendAll(fixture.reference(), 0, ONE);
    // Scores of a few thousand carry errors of their own rounding into the weights.
    assertCloseWithin(actual, expected, 5e-2);
  }

  @Test
  void readsQkvOfOneArrayWithStride() {
    AttentionFixture fixture = AttentionFixture.of(KvDtype.FLOAT32, 8, 32, 2, 2, 1, 30);
    int dim = 32;
    int width = (4 + 2 + 2) * dim;
    float[] qkv = new float[5 + 30 * width];
    for (int t = 0; t < 30; t++) {
      System.arraycopy(fixture.q, t * 4 * dim, qkv, 5 + t * width, 4 * dim);
      System.arraycopy(fixture.k, t * 2 * dim, qkv, 5 + t * width + 4 * dim, 2 * dim);
      System.arraycopy(fixture.v, t * 2 * dim, qkv, 5 + t * width + 6 * dim, 2 * dim);
    }
    float[] expected = fixture.attendAll(fixture.cpu(), 0, ONE);
    AttentionFixture empty = AttentionFixture.of(KvDtype.FLOAT32, 8, 32, 2, 2, 1, 30, 99);
    java.util.Arrays.fill(empty.memory.arena().floats(0), 0f);
    CpuPagedAttention attention = empty.cpu();
    int layer = AttentionFixture.LAYER;
    Segments all = empty.wholeRows();
    attention.append(layer, all, qkv, 5 + 4 * dim, qkv, 5 + 6 * dim, width, TWO);
    float[] actual = new float[expected.length];
    attention.attend(layer, 0, all, qkv, 5, width, actual, TWO);
    assertThat(actual).isEqualTo(expected);
  }

  @Test
  void parallelAppendStoresTheSame() {
    AttentionFixture fixture = AttentionFixture.of(KvDtype.INT8, 16, 64, 4, 1, 2, 300);
    byte[] expected = fixture.memory.arena().bytes(0).clone();
    java.util.Arrays.fill(fixture.memory.arena().bytes(0), (byte) 0);
    fixture
        .cpu()
        .append(
            AttentionFixture.LAYER, fixture.wholeRows(), fixture.k, 0, fixture.v, 0, 4 * 64, TWO);
    assertThat(fixture.memory.arena().bytes(0)).isEqualTo(expected);
  }

  @Test
  void missingPageIsNamed() {
    AttentionFixture fixture = AttentionFixture.of(KvDtype.FLOAT32, 8, 32, 2, 1, 1, 30);
    fixture.memory.table().assign(0, 1, 2, PageTable.NO_PAGE);
    assertThatThrownBy(() -> fixture.attendAll(fixture.cpu(), 0, ONE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("row 0, head 1, tile 2 has no page");
  }

  @Test
  void badShapesAreRefused() {
    TileGeometry geometry = new TileGeometry(1, 4, 32, 16, KvDtype.FLOAT32);
    TileArena arena = TileArena.allocate(geometry, 1);
    KvMemory memory = new KvMemory(new PageTable(1, 4, 1), arena);
    assertThatThrownBy(() -> CpuPagedAttention.create(memory, 6, 1f))
        .hasMessage("queryHeads is 6; it must be a positive multiple of kvHeads, 4");
    assertThatThrownBy(() -> CpuPagedAttention.create(memory, 8, Float.NaN))
        .hasMessage("scale is NaN; it must be finite");
    KvMemory other = new KvMemory(new PageTable(1, 2, 1), arena);
    assertThatThrownBy(() -> CpuPagedAttention.create(other, 8, 1f))
        .hasMessage("the page table has 2 heads; the tile geometry has 4");
    assertThatThrownBy(
            () ->
                CpuPagedAttention.create(memory, 4, 1f)
                    .attend(0, -1, new Segments(), new float[0], 0, 0, new float[0], ONE))
        .hasMessageStartingWith("window is -1");
  }

  private static void assertClose(AttentionFixture fixture, int window) {
    float[] expected = fixture.attendAll(fixture.reference(), window, ONE);
    assertCloseWithin(fixture.attendAll(fixture.cpu(), window, TWO), expected, TOLERANCE);
  }

  private static void assertCloseWithin(float[] actual, float[] expected, double tolerance) {
    double magnitude = 0;
    for (float value : expected) {
      magnitude = Math.max(magnitude, Math.abs(value));
    }
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.abs(actual[i] - expected[i]) <= tolerance * magnitude)
          .withFailMessage("element %d is %s, expected %s", i, actual[i], expected[i])
          .isTrue();
    }
  }
}
