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

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.tilekv.coordinator.plan.GroupShares;
import org.tilekv.coordinator.plan.JobPlanner;
import org.tilekv.coordinator.plan.NodeTable;
import org.tilekv.coordinator.plan.PlanCost;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Time and memory of planning alone: rows are made up as token ids on the executors, named,
 * counted, merged and cut into groups; nothing is generated.
 */
@Command(
    name = "planning",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = "Measures the batch planner without a model.")
public final class PlanningReport implements Callable<Integer> {

  @Option(names = "--rows", description = "rows of the job")
  private int rows = 1_000_000;

  @Option(names = "--tokens", description = "prompt tokens of a row")
  private int tokens = 500;

  @Option(names = "--prefixes", description = "distinct prefixes")
  private int prefixes = 10_000;

  @Option(names = "--prefix-tokens", description = "tokens of a prefix")
  private int prefixTokens = 400;

  @Option(names = "--tile", description = "tokens of a tile")
  private int tileTokens = 16;

  @Option(names = "--partitions", description = "partitions of the input")
  private int partitions = 64;

  @Option(names = "--executors", description = "executors to plan for, with two groups each")
  private int executors = 4;

  @Option(names = "--repeat", description = "runs")
  private int repeat = 3;

  private PlanningReport() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new PlanningReport()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    try (SparkSession spark = SparkSession.builder().appName("TileKV planning").getOrCreate()) {
      JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
      System.out.printf(
          Locale.ROOT,
          "%,d rows of %d tokens, %,d prefixes of %d tokens, tiles of %d, %d partitions, %s%n",
          rows,
          tokens,
          prefixes,
          prefixTokens,
          tileTokens,
          partitions,
          spark.sparkContext().master());
      for (int run = 1; run <= repeat; run++) {
        run(context, run);
      }
    }
    return 0;
  }

  private void run(JavaSparkContext context, int run) {
    ManagementFactory.getMemoryPoolMXBeans().forEach(MemoryPoolMXBean::resetPeakUsage);
    MadeUpRows made = new MadeUpRows(rows, tokens, prefixes, prefixTokens, tileTokens, partitions);
    long start = System.nanoTime();
    JavaPairRDD<Integer, byte[]> counted =
        JavaPairRDD.fromJavaRDD(
            context.parallelize(made.partitionNumbers(), partitions).flatMap(made));
    NodeTable nodes = PlanningJob.merge(counted, partitions);
    long merged = System.nanoTime();
    int[] groups = new int[executors];
    java.util.Arrays.fill(groups, 2);
    JobPlanner.Planned planned =
        new JobPlanner(nodes, new PlanCost(tileTokens, 64)).plan(GroupShares.equal(groups));
    int planBytes = planned.plan().encode().length;
    long end = System.nanoTime();
    System.out.printf(
        Locale.ROOT,
        "run %d: %.2f s (naming, counting and merging %.2f, tree and groups on the driver %.2f);"
            + " heap peak %,d MiB%n  %s%n  plan for the executors %,d bytes%n",
        run,
        seconds(end - start),
        seconds(merged - start),
        seconds(end - merged),
        heapPeakBytes() >> 20,
        planned.summary(),
        planBytes);
  }

  private static double seconds(long nanos) {
    return (double) nanos / TimeUnit.SECONDS.toNanos(1);
  }

  private static long heapPeakBytes() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == java.lang.management.MemoryType.HEAP)
        .mapToLong(pool -> pool.getPeakUsage().getUsed())
        .sum();
  }
}
