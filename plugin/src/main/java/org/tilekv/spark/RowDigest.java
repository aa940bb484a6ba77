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
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Timestamp;
import java.util.Date;
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

/** 128 bits of the SHA-256 of all values of a row: what is equal here is equal. */
record RowDigest(long high, long low) {

  private static final byte NULL = 0;
  private static final byte VALUE = 1;

  /** Whether all values of rows can be compared so: plain ones. */
  static boolean coversAll(StructType schema) {
    for (StructField field : schema.fields()) {
      if (!covers(field.dataType())) {
        return false;
      }
    }
    return true;
  }

  private static boolean covers(DataType type) {
    return type instanceof StringType
        || type instanceof NumericType
        || type instanceof BooleanType
        || type instanceof BinaryType
        || type instanceof DateType
        || type instanceof TimestampType
        || type instanceof TimestampNTZType;
  }

  /** Of a row of such a schema. */
  static RowDigest of(Row row, MessageDigest sha256) {
    for (int i = 0; i < row.length(); i++) {
      add(row.get(i), sha256);
    }
    ByteBuffer digest = ByteBuffer.wrap(sha256.digest());
    return new RowDigest(digest.getLong(), digest.getLong());
  }

  private static void add(@Nullable Object value, MessageDigest sha256) {
    if (value == null) {
      sha256.update(NULL);
      return;
    }
    sha256.update(VALUE);
    byte[] bytes =
        value instanceof byte[] binary ? binary : text(value).getBytes(StandardCharsets.UTF_8);
    sha256.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, bytes.length));
    sha256.update(bytes);
  }

  /** Values of one column have one type, and differ where their texts do. */
  private static String text(Object value) {
    if (value instanceof Timestamp time) {
      return time.getTime() + " " + time.getNanos();
    }
    if (value instanceof Date date) {
      return Long.toString(date.getTime());
    }
    return value instanceof BigDecimal number ? number.toPlainString() : value.toString();
  }
}
