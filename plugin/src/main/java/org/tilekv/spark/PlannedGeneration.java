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

import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkThrowable;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.coordinator.plan.JobPlanner;
import org.tilekv.coordinator.plan.PlanCost;
import org.tilekv.coordinator.plan.PlanSummary;
import scala.reflect.ClassTag$;

/**
 * Makes the generating RDD of a job that may be planned: one pass finds what its rows share; then
 * the rows are brought into groups, or stay as they are where that would gain nothing or the pass
 * fails. To be run when the job starts, on its thread.
 */
final class PlannedGeneration implements Supplier<RDD<Row>> {

  /** Prompt tokens that a plan must save for rows to be moved. */
  static final double LEAST_SAVED = 0.02;

  private static final Logger LOG = LoggerFactory.getLogger(PlannedGeneration.class);
  private static final String CANCELLED = "SPARK_JOB_CANCELLED";
  private static final String JOB_DESCRIPTION = "spark.job.description";

  private final Dataset<Row> rows;
  private final GenerateSpec spec;
  private final boolean keepsOrder;
  private final PlanDriver driver;
  private final SparkContext context;

  /**
   * @param keepsOrder whether rows come back to their partition and place
   */
  PlannedGeneration(Dataset<Row> rows, GenerateSpec spec, boolean keepsOrder, PlanDriver driver) {
    this.rows = rows;
    this.spec = spec;
    this.keepsOrder = keepsOrder;
    this.driver = driver;
    this.context = rows.sparkSession().sparkContext();
  }

  /** For {@link LazyRdd}. */
  @Override
  public RDD<Row> get() {
    String description = context.getLocalProperty(JOB_DESCRIPTION);
    context.setLocalProperty(JOB_DESCRIPTION, "TileKV plans a batch");
    try {
      JavaRDD<Row> input = rows.javaRDD();
      String why = driver.whyNot(input.rdd());
      why = why == null ? StableRows.whyNot(rows) : why;
      if (why != null) {
        LOG.info("TileKV plans nothing: {}", why);
        driver.counters().skipped();
        return asIs();
      }
      return plannedOrAsIs(input);
    } finally {
      context.setLocalProperty(JOB_DESCRIPTION, description);
    }
  }

  private RDD<Row> plannedOrAsIs(JavaRDD<Row> input) {
    KeptTokens kept = KeptTokens.of(context, input, spec);
    RDD<Row> planned = null;
    try {
      planned = planned(input, kept);
    } catch (Exception e) {
      if (endsTheJob(e)) {
        throw e;
      }
      LOG.warn("a batch could not be planned; its rows run as they come", e);
    } finally {
      if (planned == null) {
        kept.release();
      }
    }
    if (planned == null) {
      driver.counters().skipped();
      return asIs();
    }
    return planned;
  }

  /** Whether somebody wants the job to end; without its plan it would go on. */
  private boolean endsTheJob(Exception e) {
    return context.isStopped()
        || e instanceof InterruptedException
        || Thread.currentThread().isInterrupted()
        || e instanceof SparkThrowable known && CANCELLED.equals(known.getCondition());
  }

  /** The RDD with a plan, which reads the tokens; null where there is no plan. */
  private @Nullable RDD<Row> planned(JavaRDD<Row> input, KeptTokens kept) {
    long start = System.nanoTime();
    PlanningJob.Shared shared = PlanningJob.run(context, kept, spec);
    if (shared.namings().size() != 1) {
      LOG.info("TileKV plans nothing: {}", why(shared));
      return null;
    }
    TileNaming naming = shared.namings().iterator().next();
    JobPlanner.@Nullable Planned planned = plan(shared, naming, start, kept.tokeniseSeconds());
    return planned == null ? null : inGroups(input, kept, planned, naming);
  }

  private static String why(PlanningJob.Shared shared) {
    return shared.namings().isEmpty()
        ? "there are no rows"
        : "executors name tiles in "
            + shared.namings().size()
            + " ways, as those with and without a GPU do: "
            + shared.namings();
  }

  private JobPlanner.@Nullable Planned plan(
      PlanningJob.Shared shared, TileNaming naming, long startNs, double tokeniseSeconds) {
    PlanCost cost = new PlanCost(naming.tileTokens(), (long) spec.maxNewTokens() * spec.beams());
    JobPlanner planner = new JobPlanner(shared.nodes(), cost);
    JobPlanner.Planned planned = planner.plan(driver.shares(planner.rows()));
    PlanSummary summary = planned.summary();
    double seconds = (double) (System.nanoTime() - startNs) / TimeUnit.SECONDS.toNanos(1);
    boolean gains = summary.savedShare() >= LEAST_SAVED && summary.groups() > 0;
    LOG.info("{}", PlanCounters.describe(summary, gains, seconds, tokeniseSeconds));
    if (!gains) {
      return null;
    }
    driver.counters().planned(summary, seconds);
    return planned;
  }

  /** The RDD without a plan: partitions and rows are those of the dataset. */
  RDD<Row> asIs() {
    return new ShardedRdd(context, rows, driver.placement())
        .toJavaRDD()
        .mapPartitionsWithIndex(new GeneratePartition(spec), true)
        .rdd();
  }

  private RDD<Row> inGroups(
      JavaRDD<Row> input, KeptTokens kept, JobPlanner.Planned planned, TileNaming naming) {
    PlannedColumns columns = new PlannedColumns(rows.schema().size(), keepsOrder);
    Broadcast<byte[]> plan =
        context.broadcast(planned.plan().encode(), ClassTag$.MODULE$.apply(byte[].class));
    JavaRDD<Row> routed =
        input.zipPartitions(
            kept.chunks(),
            new RouteRows(spec, columns, naming, plan, RowDigest.coversAll(rows.schema())));
    SparkSession session = rows.sparkSession();
    StructType own = numbered(rows.schema());
    Dataset<Row> grouped =
        session
            .createDataFrame(routed, columns.schema(own))
            .repartitionById(planned.plan().groups(), col(PlannedColumns.GROUP))
            .sortWithinPartitions(
                col(PlannedColumns.RUN), col(own.fieldNames()[spec.promptIndex()]));
    JavaRDD<Row> generated =
        new ShardedRdd(context, grouped, driver.placement(planned, naming.tileTokens()))
            .toJavaRDD()
            .mapPartitionsWithIndex(new GeneratePartition(spec, columns, plan), true);
    kept.releaseAfter(routed);
    return keepsOrder
        ? inInputOrder(session, generated, own, input.getNumPartitions())
        : generated.rdd();
  }

  private static RDD<Row> inInputOrder(
      SparkSession session, JavaRDD<Row> generated, StructType own, int partitions) {
    StructType schema = PlannedColumns.withPlace(own.add("_text", "string", true));
    return session
        .createDataFrame(generated, schema)
        .repartitionById(partitions, col(PlannedColumns.PARTITION))
        .sortWithinPartitions(col(PlannedColumns.INDEX))
        .drop(PlannedColumns.PARTITION, PlannedColumns.INDEX)
        .javaRDD()
        .rdd();
  }

  /** The same columns under names that need no quotes and are there once. */
  private static StructType numbered(StructType schema) {
    StructType numbered = new StructType();
    for (int i = 0; i < schema.size(); i++) {
      numbered =
          numbered.add(
              "_" + i,
              schema.apply(i).dataType(),
              schema.apply(i).nullable(),
              schema.apply(i).metadata());
    }
    return numbered;
  }
}
