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

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;
import org.jspecify.annotations.Nullable;

/**
 * Numbers that spread the rows of one prompt over groups: {@link RowHash} and, of rows that are
 * equal in all, how many of them came before. Whichever of equal rows comes first, as many of them
 * go to each group; rows that only look equal, since they differ in values that do not count for
 * their hash, would not be interchangeable and have one rank. For the rows of a partition, by one
 * thread.
 */
final class RowRanks {

  private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

  private final @Nullable Map<Long, Integer> seen;

  /**
   * @param comparable as {@link #comparable}
   */
  RowRanks(boolean comparable) {
    seen = comparable ? new HashMap<>() : null;
  }

  /** Whether all values of rows count for their hashes. */
  static boolean comparable(StructType schema) {
    for (StructField field : schema.fields()) {
      if (!counts(field.dataType())) {
        return false;
      }
    }
    return true;
  }

  private static boolean counts(DataType type) {
    return type instanceof StringType
        || type instanceof NumericType
        || type instanceof BooleanType
        || type instanceof BinaryType
        || type instanceof DateType
        || type instanceof TimestampType
        || type instanceof TimestampNTZType;
  }

  /** The next row's rank. */
  long of(Row row) {
    long hash = RowHash.of(row);
    if (seen == null) {
      return hash;
    }
    int equal = seen.merge(hash, 1, Integer::sum) - 1;
    return equal == 0 ? hash : RowHash.mix(hash + equal * MULTIPLIER);
  }
}
