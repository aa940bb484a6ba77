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
import static org.apache.spark.sql.functions.regexp_replace;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.xxhash64;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.jspecify.annotations.Nullable;
import org.tilekv.spark.KvGenerate;
import org.tilekv.spark.SnapshotReport;
import org.tilekv.spark.TileKv;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Runs a model over the rows of a file and writes what it generated, with a table of what was
 * reused.
 */
@Command(
    name = "BatchInference",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Runs a language model over the rows of a file as a Spark job.")
public final class BatchInference implements Callable<Integer> {

  private static final String OUTER_WHITESPACE = "^[ \\t\\r\\n]+|[ \\t\\r\\n]+$";

  @Mixin private final BatchOptions options = new BatchOptions();

  /** Submitted by {@code examples/run.sh} or {@code spark-submit}. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new BatchInference())
        .setExecutionExceptionHandler(
            (e, command, parsed) -> {
              System.err.println("BatchInference failed: " + Failures.message(e));
              return CommandLine.ExitCode.SOFTWARE;
            });
  }

  @Override
  public Integer call() throws IOException {
    options.check();
    try (SparkSession spark =
        SparkSession.builder().appName("TileKV BatchInference").getOrCreate()) {
      OutputPath.check(
          options.output,
          List.of(options.input, options.model),
          spark.sparkContext().hadoopConfiguration());
      ClusterNumbers cluster = new ClusterNumbers(spark);
      Dataset<Row> rows = new InputRows(spark, options).read();
      Dataset<Row> generated = transformer().transform(rows).drop(InputRows.ROW_ID);
      if (options.cacheIn != null) {
        print("loaded", options.cacheIn, TileKv.loadCache(spark, options.model, options.cacheIn));
      }
      for (int pass = 1; pass <= options.repeat; pass++) {
        runPass(spark, cluster, generated, pass).print(System.out);
      }
      if (options.cacheOut != null) {
        print("saved", options.cacheOut, TileKv.saveCache(spark, options.cacheOut));
      }
    }
    return CommandLine.ExitCode.OK;
  }

  private static void print(String what, String uri, SnapshotReport report) {
    System.out.printf(
        Locale.ROOT,
        "%ncache %s: %,d tiles in %d files, %s%n",
        what,
        report.tiles(),
        report.parts(),
        uri);
    if (report.tilesWithoutRoom() > 0) {
      System.out.printf(Locale.ROOT, "  without room: %,d tiles%n", report.tilesWithoutRoom());
    }
    if (report.missedExecutors() > 0) {
      System.out.printf(Locale.ROOT, "  without a part: %,d executors%n", report.missedExecutors());
    }
    if (report.refusedParts() > 0) {
      System.out.printf(
          Locale.ROOT, "  refused in %d files: %s%n", report.refusedParts(), report.refused());
    }
  }

  private KvGenerate transformer() {
    KvGenerate generate =
        new KvGenerate()
            .setInputCol(options.promptCol)
            .setOutputCol(options.outputCol)
            .setModel(options.model)
            .setMaxNewTokens(options.maxNewTokens)
            .setBeams(options.beams)
            .setTemperature(options.temperature)
            .setTopK(options.topK)
            .setTopP(options.topP)
            .setSeed(options.seed)
            .setStopStrings(options.stopStrings.toArray(new String[0]))
            .setKeepRowOrder(options.keepRowOrder);
    if (options.plan != null) {
      generate.setPlan(options.plan);
    }
    return options.errors == null ? generate : generate.setErrors(options.errors);
  }

  private PassReport runPass(
      SparkSession spark, ClusterNumbers cluster, Dataset<Row> generated, int pass) {
    Map<String, ExecutorNumbers> before = cluster.read();
    long start = System.nanoTime();
    try (Progress progress = new Progress(cluster, before, System.out)) {
      generated.write().mode(SaveMode.Overwrite).parquet(options.output);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Map<String, ExecutorNumbers> work = new TreeMap<>();
    cluster
        .read()
        .forEach(
            (name, n) -> work.put(name, n.since(before.getOrDefault(name, ExecutorNumbers.ZERO))));
    Dataset<Row> written = spark.read().parquet(options.output);
    return new PassReport(
        pass,
        written.count(),
        exactMatches(written),
        written.filter(col(options.outputCol).isNull()).count(),
        digest(written),
        seconds,
        work);
  }

  /** Sum of the rows' hashes: equal for equal outputs, whatever the order of their files. */
  private static String digest(Dataset<Row> written) {
    Column[] columns = Arrays.stream(written.columns()).map(functions::col).toArray(Column[]::new);
    Row sum = written.agg(sum(xxhash64(columns).cast("decimal(20,0)"))).first();
    return sum.isNullAt(0) ? "empty" : sum.getDecimal(0).toBigInteger().toString(16);
  }

  private @Nullable Long exactMatches(Dataset<Row> written) {
    if (options.expectedCol == null) {
      return null;
    }
    return written
        .filter(stripped(options.outputCol).equalTo(stripped(options.expectedCol)))
        .count();
  }

  private static Column stripped(String column) {
    return regexp_replace(col(column), OUTER_WHITESPACE, "");
  }
}
