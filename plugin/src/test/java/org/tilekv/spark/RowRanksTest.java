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

import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

/** Ranks of equal rows, and of others. */
class RowRanksTest {

  /** A lost part of a shuffle may be made again of the same rows in another order. */
  @Test
  void equalRowsHaveTheSameRanksInAnyOrder() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      rows.add(RowFactory.create("prompt " + random.nextInt(20), random.nextInt(2)));
    }
    List<String> first = ranks(rows);
    Collections.shuffle(rows, random);
    assertThat(ranks(rows)).as("seed %d", seed).isEqualTo(first);
    assertThat(new TreeSet<>(first)).as("seed %d", seed).hasSize(300);
  }

  /** Texts whose hashes are the same. */
  @Test
  void rowsWithEqualHashesAreNotTakenForEqual() {
    Row one = RowFactory.create("Aa", -1L);
    Row other = RowFactory.create("BB", 0L);
    assertThat(RowHash.of(one)).isEqualTo(RowHash.of(other));
    RowRanks ranks = new RowRanks(true);
    long rank = ranks.of(one);
    assertThat(ranks.of(other)).as("the first of its kind, too").isEqualTo(rank);
    assertThat(ranks.of(one)).as("the second of its kind").isNotEqualTo(rank);
  }

  @Test
  void nullsAndPlacesCount() {
    MessageDigest sha256 = Sha256.open();
    RowDigest one = RowDigest.of(RowFactory.create("a", null), sha256);
    assertThat(RowDigest.of(RowFactory.create("a", null), sha256)).isEqualTo(one);
    assertThat(RowDigest.of(RowFactory.create(null, "a"), sha256)).isNotEqualTo(one);
    assertThat(RowDigest.of(RowFactory.create("a", ""), sha256)).isNotEqualTo(one);
  }

  private static List<String> ranks(List<Row> rows) {
    RowRanks ranks = new RowRanks(true);
    return rows.stream().map(row -> row + " " + ranks.of(row)).sorted().toList();
  }

  @Test
  void rowsThatOnlyLookEqualStayTogether() {
    RowRanks ranks = new RowRanks(false);
    long one = ranks.of(RowFactory.create("a", List.of(1)));
    assertThat(ranks.of(RowFactory.create("a", List.of(2)))).isEqualTo(one);
    assertThat(RowDigest.coversAll(StructType.fromDDL("a string, b array<int>"))).isFalse();
    assertThat(RowDigest.coversAll(StructType.fromDDL("a string, b struct<c: int>"))).isFalse();
    assertThat(
            RowDigest.coversAll(
                StructType.fromDDL(
                    "a string, b bigint, c decimal(9,2), d date, e timestamp, f timestamp_ntz,"
                        + " g binary, h boolean, i double")))
        .isTrue();
  }
}
