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

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.tilekv.ComputePool;
import org.tilekv.KvDtype;

/** A token's result has the same bits however the step around it was cut. */
class CpuPagedAttentionBitsTest {

  private static final ComputePool ONE = ComputePool.sameThread();
  private static final ComputePool TWO = ComputePool.of(2);
  private static final ComputePool FIVE = ComputePool.of(5);

  @AfterAll
  static void close() {
    TWO.close();
    FIVE.close();
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32,8,64,4,0", "FLOAT32,16,128,3,0", "FLOAT32,64,80,1,0", "FLOAT32,128,20,2,0",
    "BFLOAT16,8,80,1,0", "BFLOAT16,16,64,4,0", "BFLOAT16,64,128,16,0", "INT8,8,96,3,0",
    "INT8,16,33,2,0", "INT8,64,64,7,0", "FLOAT16,16,64,4,0", "FLOAT32,8,64,4,5",
    "FLOAT32,16,64,3,16", "BFLOAT16,64,64,4,70", "INT8,64,64,1,33", "FLOAT32,256,32,4,100"
  })
  void chunkBatchAndThreadsDoNotMatter(
      KvDtype dtype, int tileTokens, int headDim, int group, int window) {
    AttentionFixture fixture = AttentionFixture.of(dtype, tileTokens, headDim, 2, group, 3, 171);
    CpuPagedAttention attention = fixture.cpu();
    float[] decoded = fixture.attendInChunks(attention, window, ONE, 1);
    assertThat(decoded).doesNotContain(Float.NaN);
    assertSameBits(fixture.attendAll(attention, window, ONE), decoded);
    assertSameBits(fixture.attendAll(attention, window, TWO), decoded);
    assertSameBits(fixture.attendAll(attention, window, FIVE), decoded);
    assertSameBits(fixture.attendInChunks(attention, window, TWO, 2, 3, 5, 7, 11), decoded);
    assertSameBits(fixture.attendInChunks(attention, window, ONE, 17, 64, 1), decoded);
    assertSameBits(fixture.attendInChunks(fixture.cpu(), window, FIVE, 63, 65), decoded);
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void pageIdsDoNotMatter(KvDtype dtype) {
    AttentionFixture one = AttentionFixture.of(dtype, 16, 64, 2, 4, 2, 100, 1);
    AttentionFixture other = AttentionFixture.of(dtype, 16, 64, 2, 4, 2, 100, 2);
    assertThat(one.memory.table().entries()).isNotEqualTo(other.memory.table().entries());
    assertSameBits(other.attendAll(other.cpu(), 0, ONE), one.attendAll(one.cpu(), 0, ONE));
  }

  /** Rows whose first pages are those of another row, read for all of them at once or for each. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT32,16,64,2", "FLOAT32,8,80,1", "FLOAT32,128,33,3", "BFLOAT16,16,64,4",
        "BFLOAT16,64,128,3",
    "BFLOAT16,16,64,2", "FLOAT16,32,64,5", "INT8,16,64,2", "INT8,1024,20,7", "FLOAT32,1,16,2"
  })
  void sharedPagesDoNotMatter(KvDtype dtype, int tileTokens, int headDim, int group) {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    AttentionFixture fixture =
        AttentionFixture.of(dtype, tileTokens, headDim, 2, group, 13, 700, seed);
    CpuPagedAttention attention = fixture.cpu();
    for (int round = 0; round < 4; round++) {
      fixture.share(random);
      Segments step = fixture.decodeRows(random);
      int width = fixture.outWidth();
      float[] together = new float[step.tokens() * width];
      ComputePool pool = random.nextBoolean() ? ONE : TWO;
      attention.attend(AttentionFixture.LAYER, 0, step, fixture.q, 0, width, together, pool);
      for (int i = 0; i < step.size(); i++) {
        Segments alone = new Segments();
        alone.add(step.row(i), step.start(i), step.count(i));
        float[] out = new float[step.count(i) * width];
        int at = step.offset(i) * width;
        attention.attend(AttentionFixture.LAYER, 0, alone, fixture.q, at, width, out, ONE);
        try {
          assertSameBits(Arrays.copyOfRange(together, at, at + out.length), out);
        } catch (AssertionError e) {
          throw new AssertionError("seed " + seed + ", round " + round + ", row " + i, e);
        }
      }
    }
  }

  private static void assertSameBits(float[] actual, float[] expected) {
    for (int i = 0; i < expected.length; i++) {
      int index = i;
      assertThat(Float.floatToRawIntBits(actual[i]) == Float.floatToRawIntBits(expected[i]))
          .withFailMessage(
              () -> "element %d is %s, not %s".formatted(index, actual[index], expected[index]))
          .isTrue();
    }
  }
}
