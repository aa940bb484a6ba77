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

import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import org.apache.spark.Dependency;
import org.apache.spark.OneToOneDependency;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.RDD;
import org.apache.spark.rdd.ShuffledRDD;
import org.apache.spark.serializer.JavaSerializer;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.Tuple2;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.math.Ordering;
import scala.math.Ordering$;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * The rows of a dataset with their answers by cells. Partitions are those of the dataset and rows
 * keep their order; between, rows are shuffled to the cells and back, because a barrier stage has
 * one task per member and no other partitioning in the stage. As with {@link ShardedRdd}, nothing
 * is planned before a job starts.
 */
final class CellRdd extends RDD<Row> {
  private static final long serialVersionUID = 1L;

  private static final String SQL_EXECUTION_ID = "spark.sql.execution.id";

  private final transient Dataset<Row> rows;
  private final transient Plan plan;

  /**
   * How the rows are spread, decided when a job starts.
   *
   * @param layout by the input's partitions
   * @param placement where the members of a layout should run
   * @param task what they do
   */
  record Plan(
      Function<Integer, CellLayout> layout,
      Function<CellLayout, ShardedRdd.Placement> placement,
      Function<CellLayout, CellTask> task) {}

  CellRdd(SparkContext context, Dataset<Row> rows, Plan plan) {
    super(context, dependencies(List.of()), ClassTag$.MODULE$.apply(Row.class));
    this.rows = rows;
    this.plan = plan;
  }

  private static Seq<Dependency<?>> dependencies(List<Dependency<?>> dependencies) {
    return CollectionConverters.asScala(dependencies).toSeq();
  }

  /** The dataset's query is one of its own: see {@link ShardedRdd}. */
  @Override
  public Seq<Dependency<?>> getDependencies() {
    SparkContext context = rows.sparkSession().sparkContext();
    String outer = context.getLocalProperty(SQL_EXECUTION_ID);
    context.setLocalProperty(SQL_EXECUTION_ID, null);
    try {
      return dependencies(List.of(new OneToOneDependency<>(generated(rows.toJavaRDD()))));
    } finally {
      context.setLocalProperty(SQL_EXECUTION_ID, outer);
    }
  }

  private RDD<Row> generated(JavaRDD<Row> input) {
    if (input.getNumPartitions() == 0) {
      return input.rdd();
    }
    CellLayout layout = plan.layout().apply(input.getNumPartitions());
    RDD<Tuple2<Long, Row>> keyed = input.mapPartitionsWithIndex(new KeyRows(), true).rdd();
    RDD<Tuple2<Long, Row>> atCells = shuffled(keyed, CellPartitioner.toCells(layout));
    ClassTag<Tuple2<Long, Row>> pairs = atCells.elementClassTag();
    RDD<Tuple2<Long, Row>> answered =
        new PlacedRdd<>(atCells, plan.placement().apply(layout))
            .barrier()
            .mapPartitions(plan.task().apply(layout), true, pairs);
    return shuffled(answered, CellPartitioner.toInput(layout))
        .toJavaRDD()
        .map(pair -> pair._2)
        .rdd();
  }

  /** By Java serialisation: rows hold values of any class, which Kryo may want registered. */
  private RDD<Tuple2<Long, Row>> shuffled(
      RDD<Tuple2<Long, Row>> pairs, CellPartitioner partitioner) {
    ClassTag<Long> key = ClassTag$.MODULE$.apply(Long.class);
    ClassTag<Row> row = ClassTag$.MODULE$.apply(Row.class);
    Ordering<Long> order = Ordering$.MODULE$.comparatorToOrdering(Comparator.<Long>naturalOrder());
    return new ShuffledRDD<>(pairs, partitioner, key, row, row)
        .setKeyOrdering(order)
        .setSerializer(new JavaSerializer(rows.sparkSession().sparkContext().conf()));
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
}
