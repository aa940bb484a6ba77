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

import java.util.List;
import org.apache.spark.Dependency;
import org.apache.spark.OneToOneDependency;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;

/**
 * The rows of a dataset, each partition with the executor that holds its tiles as preferred
 * location. Partitions are those of the dataset, one to one.
 *
 * <p>The dataset's plan is executed when Spark first asks for partitions or dependencies, that is
 * when a job starts: with adaptive execution an earlier look would run the shuffles below.
 */
final class ShardedRdd extends RDD<Row> {
  private static final long serialVersionUID = 1L;

  private static final String SQL_EXECUTION_ID = "spark.sql.execution.id";

  private final transient Dataset<Row> rows;
  private final transient Placement placement;

  /** Where a partition's tiles are; asked on the driver each time a stage is submitted. */
  @FunctionalInterface
  interface Placement {

    /** Locations as Spark's scheduler takes them; empty for no preference. */
    List<String> locations(int partition, int partitions);
  }

  ShardedRdd(SparkContext context, Dataset<Row> rows, Placement placement) {
    super(context, noDependencies(), ClassTag$.MODULE$.apply(Row.class));
    this.rows = rows;
    this.placement = placement;
  }

  private static Seq<Dependency<?>> noDependencies() {
    return CollectionConverters.asScala(List.<Dependency<?>>of()).toSeq();
  }

  /**
   * The query of the dataset is one of its own: while it is planned, the id of the query around is
   * put aside, or the UI would show this plan in its place.
   */
  @Override
  public Seq<Dependency<?>> getDependencies() {
    SparkContext context = rows.sparkSession().sparkContext();
    String outer = context.getLocalProperty(SQL_EXECUTION_ID);
    context.setLocalProperty(SQL_EXECUTION_ID, null);
    try {
      Dependency<?> parent = new OneToOneDependency<>(rows.javaRDD().rdd());
      return CollectionConverters.asScala(List.<Dependency<?>>of(parent)).toSeq();
    } finally {
      context.setLocalProperty(SQL_EXECUTION_ID, outer);
    }
  }

  private RDD<Row> parent() {
    return this.<Row>firstParent(elementClassTag());
  }

  @Override
  public Partition[] getPartitions() {
    return parent().partitions();
  }

  @Override
  public Iterator<Row> compute(Partition split, TaskContext context) {
    return parent().iterator(split, context);
  }

  @Override
  public Seq<String> getPreferredLocations(Partition split) {
    return CollectionConverters.asScala(
            placement.locations(split.index(), parent().partitions().length))
        .toSeq();
  }
}
