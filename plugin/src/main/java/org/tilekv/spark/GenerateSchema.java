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

import java.util.Arrays;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;

/** Schema checks of {@link KvGenerate}. */
final class GenerateSchema {

  private GenerateSchema() {}

  /**
   * The schema with the output column at its end.
   *
   * @throws IllegalArgumentException naming the column and what the schema has
   */
  static StructType add(
      StructType schema, String inputCol, @Nullable String rowKeyCol, String outputCol) {
    requireColumn(schema, "inputCol", inputCol);
    var type = schema.apply(inputCol).dataType();
    if (!(type instanceof StringType)) {
      throw new IllegalArgumentException(
          "inputCol '" + inputCol + "' is " + type.simpleString() + "; it must be string");
    }
    if (rowKeyCol != null) {
      requireColumn(schema, "rowKeyCol", rowKeyCol);
    }
    for (String name : schema.fieldNames()) {
      if (name.equalsIgnoreCase(outputCol)) {
        throw new IllegalArgumentException(
            "outputCol '" + outputCol + "' is there already; drop it or choose another name");
      }
    }
    return schema.add(outputCol, DataTypes.StringType, true);
  }

  private static void requireColumn(StructType schema, String param, String column) {
    if (!Arrays.asList(schema.fieldNames()).contains(column)) {
      throw new IllegalArgumentException(
          param
              + " '"
              + column
              + "' is no column of the input; it has "
              + String.join(", ", schema.fieldNames()));
    }
  }
}
