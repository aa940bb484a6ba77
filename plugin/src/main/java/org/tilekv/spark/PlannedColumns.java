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

import java.io.Serializable;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/**
 * Columns behind a row's own ones while it is on its way through a planned job: its group, its run,
 * its tokens, and where its place in the input is to be restored, that.
 *
 * @param own columns of the input
 * @param keepsOrder whether the place travels, also behind the generated text
 */
record PlannedColumns(int own, boolean keepsOrder) implements Serializable {

  static final String GROUP = "_tilekv_group";
  static final String RUN = "_tilekv_run";
  static final String PARTITION = "_tilekv_partition";
  static final String INDEX = "_tilekv_index";
  private static final String TOKENS = "_tilekv_tokens";

  /** The input's schema with these columns. */
  StructType schema(StructType input) {
    StructType schema =
        input
            .add(GROUP, DataTypes.IntegerType, false)
            .add(RUN, DataTypes.IntegerType, false)
            .add(TOKENS, DataTypes.BinaryType, true);
    return keepsOrder ? withPlace(schema) : schema;
  }

  /** A schema with the columns of the place in the input. */
  static StructType withPlace(StructType schema) {
    return schema
        .add(PARTITION, DataTypes.IntegerType, false)
        .add(INDEX, DataTypes.LongType, false);
  }

  Row add(Row row, int group, int run, byte @Nullable [] tokens, int partition, long index) {
    @Nullable Object[] values = new Object[own + (keepsOrder ? 5 : 3)];
    copy(row, 0, own, values, 0);
    values[own] = group;
    values[own + 1] = run;
    values[own + 2] = tokens;
    if (keepsOrder) {
      values[own + 3] = partition;
      values[own + 4] = index;
    }
    return RowFactory.create(values);
  }

  int run(Row row) {
    return row.getInt(own + 1);
  }

  int @Nullable [] tokens(Row row) {
    return row.isNullAt(own + 2) ? null : TokenBytes.decode(row.<byte[]>getAs(own + 2));
  }

  /** The row's own columns, the text, and its place where that travels. */
  Row answer(Row row, @Nullable String text) {
    @Nullable Object[] values = new Object[own + (keepsOrder ? 3 : 1)];
    copy(row, 0, own, values, 0);
    values[own] = text;
    if (keepsOrder) {
      copy(row, own + 3, 2, values, own + 1);
    }
    return RowFactory.create(values);
  }

  private static void copy(Row row, int from, int count, @Nullable Object[] to, int at) {
    for (int i = 0; i < count; i++) {
      to[at + i] = row.get(from + i);
    }
  }
}
