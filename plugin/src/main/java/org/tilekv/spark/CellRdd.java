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
import java.util.function.Function;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.rdd.RDD;
import org.apache.spark.rdd.ShuffledRDD;
import org.apache.spark.serializer.JavaSerializer;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import scala.Tuple2;
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
final class CellRdd extends LazyRdd {
  private static final long serialVersionUID = 1L;

  /**
   * How the rows are spread, decided when a job starts.
   *
   * @param layout by the input's partitions
   * @param placement where the members of a layout should run
   * @param task what they do
   */
  record Plan(
      Function<Integer, CellLayout> layout,
      Function<CellLayout, PlacedRdd.Placement> placement,
      Function<CellLayout, CellTask> task) {}

  CellRdd(SparkContext context, Dataset<Row> rows, Plan plan) {
    super(context, () -> generated(context, rows.toJavaRDD(), plan));
  }

  private static RDD<Row> generated(SparkContext context, JavaRDD<Row> input, Plan plan) {
    if (input.getNumPartitions() == 0) {
      return input.rdd();
    }
    CellLayout layout = plan.layout().apply(input.getNumPartitions());
    RDD<Tuple2<Long, Row>> keyed = input.mapPartitionsWithIndex(new KeyRows(), true).rdd();
    RDD<Tuple2<Long, Row>> atCells = shuffled(context, keyed, CellPartitioner.toCells(layout));
    ClassTag<Tuple2<Long, Row>> pairs = atCells.elementClassTag();
    RDD<Tuple2<Long, Row>> answered =
        new PlacedRdd<>(atCells, plan.placement().apply(layout))
            .barrier()
            .mapPartitions(plan.task().apply(layout), true, pairs);
    return shuffled(context, answered, CellPartitioner.toInput(layout))
        .toJavaRDD()
        .map(pair -> pair._2)
        .rdd();
  }

  /** By Java serialisation: rows hold values of any class, which Kryo may want registered. */
  private static RDD<Tuple2<Long, Row>> shuffled(
      SparkContext context, RDD<Tuple2<Long, Row>> pairs, CellPartitioner partitioner) {
    ClassTag<Long> key = ClassTag$.MODULE$.apply(Long.class);
    ClassTag<Row> row = ClassTag$.MODULE$.apply(Row.class);
    Ordering<Long> order = Ordering$.MODULE$.comparatorToOrdering(Comparator.<Long>naturalOrder());
    return new ShuffledRDD<>(pairs, partitioner, key, row, row)
        .setKeyOrdering(order)
        .setSerializer(new JavaSerializer(context.conf()));
  }
}
