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
package org.tilekv.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.sql.Timestamp;
import java.util.Objects;
import java.util.Random;
import org.apache.spark.sql.RowFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.Namespace;

/** What a row brings to the planner: tokens as bytes, names of its tiles, a hash. */
class PromptPathsTest {

  private static final int TILE = 16;

  private static PromptPaths paths(@Nullable String salt) {
    FakeRuntime runtime = new FakeRuntime();
    return new PromptPaths(runtime, TileNaming.of(runtime), salt);
  }

  @Test
  void aNamingComesBackFromText() {
    TileNaming naming = TileNaming.of(new FakeRuntime());
    assertThat(naming).isEqualTo(new TileNaming("0".repeat(64), TILE));
    assertThat(TileNaming.parse(naming.toText())).isEqualTo(naming);
  }

  @Test
  void tokensComeBackFromBytes() {
    for (int seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      int bits = 1 + random.nextInt(31);
      int[] tokens = random.ints(random.nextInt(50)).map(t -> t >>> (32 - bits)).toArray();
      assertThat(TokenBytes.decode(TokenBytes.encode(tokens)))
          .as("seed %d", seed)
          .isEqualTo(tokens);
    }
    int[] extremes = {0, 127, 128, Integer.MAX_VALUE, -1, Integer.MIN_VALUE};
    assertThat(TokenBytes.decode(TokenBytes.encode(extremes))).isEqualTo(extremes);
  }

  @Test
  void aRecordIsOfItsPromptAloneAndGivesItsTokens() {
    TokenRecord records = new TokenRecord();
    Random random = new Random(7);
    for (String prompt :
        new String[] {"", "a", "ab", "ba", "z\u00e4\ud83d\ude00", "x".repeat(999)}) {
      int[] tokens = random.ints(prompt.length()).toArray();
      byte[] record = records.encode(prompt, tokens);
      assertThat(TokenBytes.decode(Objects.requireNonNull(TokenRecord.tokenBytes(record))))
          .isEqualTo(tokens);
      assertThat(records.isOf(record, prompt)).isTrue();
      assertThat(records.isOf(record, prompt + " ")).isFalse();
      assertThat(records.isOf(record, null)).isFalse();
    }
    for (byte[] none : new byte[][] {records.encode(null, null), records.encode("x", null)}) {
      assertThat(TokenRecord.tokenBytes(none)).isNull();
      assertThat(records.isOf(none, "x")).isFalse();
      assertThat(records.isOf(none, null)).isFalse();
    }
  }

  @Test
  void namesAreTheCachesAndEndBeforeTheLastToken() {
    PromptPaths paths = paths("acme");
    int[] tokens = Objects.requireNonNull(paths.tokens("x".repeat(2 * TILE + 1)));
    ChainHash first =
        ChainHash.root(Namespace.ofHex("0".repeat(64)), "acme").child(tokens, 0, TILE);
    assertThat(paths.path(tokens))
        .containsExactly(first.shortName(), first.child(tokens, TILE, TILE).shortName());
    assertThat(paths.path(paths.tokens("x".repeat(2 * TILE)))).containsExactly(first.shortName());
    assertThat(paths.path(paths.tokens(""))).isEmpty();
    assertThat(paths.path(paths.tokens(null))).isEmpty();
  }

  @Test
  void tenantsShareNoNames() {
    int[] tokens = "x".repeat(3 * TILE).chars().toArray();
    long[] acme = paths("acme").path(tokens);
    assertThat(paths("umbra").path(tokens)).doesNotContain(acme);
    assertThat(paths(null).path(tokens)).doesNotContain(acme);
  }

  @Test
  void aRowsHashDependsOnItsPlainValuesAlone() {
    byte[] bytes = {1, 2};
    long hash = RowHash.of(RowFactory.create("a", 1L, bytes, new BigDecimal("1.50"), new Object()));
    assertThat(
            RowHash.of(
                RowFactory.create("a", 1L, bytes.clone(), new BigDecimal("1.5"), new Object())))
        .isEqualTo(hash);
    Timestamp time = new Timestamp(1);
    long whole = RowHash.of(RowFactory.create(time));
    time.setNanos(time.getNanos() + 1000);
    assertThat(RowHash.of(RowFactory.create(time))).as("a microsecond later").isNotEqualTo(whole);
    assertThat(RowHash.of(RowFactory.create("a", 2L, bytes, new BigDecimal("1.5"), null)))
        .isNotEqualTo(hash);
  }
}
