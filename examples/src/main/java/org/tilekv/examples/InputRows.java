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
package org.tilekv.examples;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.element_at;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.map;
import static org.apache.spark.sql.functions.monotonically_increasing_id;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;

/** Reads the rows of a job, in file order, with their prompt column. */
final class InputRows {

  /** Helper column that keeps the input's order; not written. */
  static final String ROW_ID = "_tilekv_row";

  private final SparkSession spark;
  private final BatchOptions options;

  InputRows(SparkSession spark, BatchOptions options) {
    this.spark = spark;
    this.options = options;
  }

  /**
   * The rows in contiguous partitions: neighbours in the file, which often share a prefix, stay
   * neighbours. Files that can be cut into enough parts are, others are shuffled.
   */
  Dataset<Row> read() throws IOException {
    int wanted =
        options.partitions > 0 ? options.partitions : 4 * spark.sparkContext().defaultParallelism();
    boolean parquet = isParquet();
    Dataset<Row> rows = withPrompt(parquet ? spark.read().parquet(options.input) : lines(wanted));
    requireColumn(rows, options.promptCol, "--prompt-col");
    if (options.expectedCol != null) {
      requireColumn(rows, options.expectedCol, "--expected-col");
    }
    // A part of a Parquet file may have no row, and another one all.
    boolean mayStay = options.partitions == 0 && !options.sortByPrompt && !parquet;
    if (mayStay && rows.rdd().getNumPartitions() >= wanted) {
      return rows;
    }
    Dataset<Row> numbered = rows.withColumn(ROW_ID, monotonically_increasing_id());
    Column order = col(options.sortByPrompt ? options.promptCol : ROW_ID);
    return numbered.repartitionByRange(wanted, order).sortWithinPartitions(order);
  }

  /** Lines of JSON, cut into about so many partitions where the files allow it. */
  private Dataset<Row> lines(int partitions) {
    setIfAbsent("spark.sql.files.minPartitionNum", Integer.toString(partitions));
    setIfAbsent("spark.sql.files.openCostInBytes", "1");
    return spark.read().option("mode", "FAILFAST").json(options.input);
  }

  private void setIfAbsent(String key, String value) {
    if (!spark.conf().getAll().contains(key)) {
      spark.conf().set(key, value);
    }
  }

  private boolean isParquet() throws IOException {
    Path path = new Path(options.input);
    FileSystem fs = path.getFileSystem(spark.sparkContext().hadoopConfiguration());
    if (!fs.exists(path)) {
      throw new IllegalArgumentException("--input " + options.input + " does not exist");
    }
    if (path.getName().endsWith(".parquet")) {
      return true;
    }
    return fs.getFileStatus(path).isDirectory()
        && Arrays.stream(fs.listStatus(path))
            .anyMatch(file -> file.getPath().getName().endsWith(".parquet"));
  }

  private Dataset<Row> withPrompt(Dataset<Row> rows) throws IOException {
    String templates = options.templates == null ? templatesBeside(rows) : options.templates;
    if (templates == null) {
      return rows;
    }
    requireColumn(rows, "template", "--templates");
    requireColumn(rows, "record", "--templates");
    List<Column> entries = new ArrayList<>();
    readTemplates(templates)
        .forEach(
            (name, header) -> {
              entries.add(lit(name));
              entries.add(lit(header));
            });
    Column headers = map(entries.toArray(new Column[0]));
    return rows.withColumn(
        options.promptCol, concat(element_at(headers, col("template")), col("record")));
  }

  /** The headers that come with rows which have a template and a record but no prompt, or null. */
  private @Nullable String templatesBeside(Dataset<Row> rows) throws IOException {
    List<String> columns = Arrays.asList(rows.columns());
    Path folder = new Path(options.input).getParent();
    if (columns.contains(options.promptCol)
        || !columns.containsAll(List.of("template", "record"))
        || folder == null) {
      return null;
    }
    Path beside = new Path(folder, "templates.json");
    FileSystem fs = beside.getFileSystem(spark.sparkContext().hadoopConfiguration());
    return fs.exists(beside) ? beside.toString() : null;
  }

  private Map<String, String> readTemplates(String file) throws IOException {
    Path path = new Path(file);
    FileSystem fs = path.getFileSystem(spark.sparkContext().hadoopConfiguration());
    try (var in = fs.open(path)) {
      return new ObjectMapper().readValue((java.io.InputStream) in, new TypeReference<>() {});
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "--templates " + file + " is no JSON object of texts: " + e.getOriginalMessage(), e);
    }
  }

  private static void requireColumn(Dataset<Row> rows, String name, String option) {
    if (!Arrays.asList(rows.columns()).contains(name)) {
      throw new IllegalArgumentException(
          option
              + " needs the column '"
              + name
              + "'; the input has "
              + String.join(", ", rows.columns()));
    }
  }
}
