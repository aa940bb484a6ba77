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

import java.math.BigDecimal;
import java.sql.Timestamp;
import java.time.temporal.Temporal;
import java.util.Arrays;
import java.util.Date;
import org.apache.spark.sql.Row;
import org.jspecify.annotations.Nullable;

/**
 * A number that depends on a row's plain values alone, the same in every process: it spreads rows
 * of one prompt over groups. Values of other types, nested ones among them, do not count.
 */
final class RowHash {

  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private RowHash() {}

  static long of(Row row) {
    long hash = 1;
    for (int i = 0; i < row.length(); i++) {
      hash = mix((hash + valueHash(row.get(i))) * MULTIPLIER);
    }
    return hash;
  }

  private static long valueHash(@Nullable Object value) {
    if (value instanceof String text) {
      return text.hashCode() * MULTIPLIER + text.length();
    }
    if (value instanceof Timestamp time) {
      return time.getTime() * MULTIPLIER + time.getNanos();
    }
    if (value instanceof Number && !(value instanceof BigDecimal)
        || value instanceof Boolean
        || value instanceof Date
        || value instanceof Temporal) {
      return value.hashCode();
    }
    if (value instanceof BigDecimal number) {
      return number.stripTrailingZeros().hashCode();
    }
    return value instanceof byte[] bytes ? Arrays.hashCode(bytes) : 0;
  }

  /** Finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). */
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
