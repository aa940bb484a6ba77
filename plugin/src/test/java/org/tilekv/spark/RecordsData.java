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

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.trim;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;

/** The example's rows with their prompts and known answers. */
final class RecordsData {

  private RecordsData() {}

  /** The first rows: {@code id, prompt, expected}. */
  static Dataset<Row> rows(SparkSession spark, int count) throws IOException {
    Map<String, String> templates =
        new ObjectMapper()
            .readValue(TestSpark.DATA.resolve("templates.json").toFile(), new TypeReference<>() {});
    List<Row> headers =
        templates.entrySet().stream()
            .map(e -> RowFactory.create(e.getKey(), e.getValue()))
            .toList();
    Dataset<Row> byName =
        spark.createDataFrame(headers, StructType.fromDDL("template string, header string"));
    return spark
        .read()
        .schema("id long, template string, record string, expected string")
        .json(TestSpark.DATA.resolve("records.jsonl").toString())
        .where(col("id").lt(count))
        .join(functions.broadcast(byName), "template")
        .select(col("id"), concat(col("header"), col("record")).as("prompt"), col("expected"));
  }

  /** Rows whose text is not the known answer. */
  static List<Row> wrong(Dataset<Row> generated) {
    return generated
        .where(trim(col("generated"), " \n").notEqual(col("expected")))
        .select("id", "generated", "expected")
        .collectAsList();
  }
}
