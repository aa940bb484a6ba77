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

import java.security.MessageDigest;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.Row;

/**
 * Numbers that spread the rows of one prompt over groups: {@link RowHash} and, of rows that are
 * equal in all, how many of them came before. Whichever of equal rows comes first, as many of them
 * go to each group. Of rows that cannot be compared in all equal hashes have one rank. For the rows
 * of a partition, by one thread; keeps some 120 bytes for each different row it is asked about.
 */
final class RowRanks {

  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private final boolean comparable;
  private final MessageDigest sha256 = Sha256.open();
  private final Map<RowDigest, Integer> seen = new HashMap<>();

  /**
   * @param comparable as {@link RowDigest#coversAll}
   */
  RowRanks(boolean comparable) {
    this.comparable = comparable;
  }

  /** The next row's rank. */
  long of(Row row) {
    long hash = RowHash.of(row);
    int equal = comparable ? seen.merge(RowDigest.of(row, sha256), 1, Integer::sum) - 1 : 0;
    return equal == 0 ? hash : RowHash.mix(hash + equal * MULTIPLIER);
  }
}
