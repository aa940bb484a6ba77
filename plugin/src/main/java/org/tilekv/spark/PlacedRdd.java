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
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;

/** The partitions of one parent as they are, with preferred locations. */
class PlacedRdd<T> extends RDD<T> {
  private static final long serialVersionUID = 1L;

  private final transient Placement placement;

  /** Where a partition's tiles are; asked on the driver each time a stage is submitted. */
  @FunctionalInterface
  interface Placement {

    Placement ANYWHERE = (partition, partitions) -> List.of();

    /** Locations as Spark's scheduler takes them; empty for no preference. */
    List<String> locations(int partition, int partitions);
  }

  /** One executor as a location. */
  static String location(String host, String executorId) {
    return "executor_" + host + "_" + executorId;
  }

  PlacedRdd(RDD<T> parent, Placement placement) {
    super(parent, parent.elementClassTag());
    this.placement = placement;
  }

  /** For a subclass that finds its one parent later. */
  PlacedRdd(SparkContext context, ClassTag<T> elements, Placement placement) {
    super(context, CollectionConverters.asScala(List.<Dependency<?>>of()).toSeq(), elements);
    this.placement = placement;
  }

  private RDD<T> parent() {
    return this.<T>firstParent(elementClassTag());
  }

  @Override
  public final Partition[] getPartitions() {
    return parent().partitions();
  }

  @Override
  public final Iterator<T> compute(Partition split, TaskContext context) {
    return parent().iterator(split, context);
  }

  @Override
  public final Seq<String> getPreferredLocations(Partition split) {
    return CollectionConverters.asScala(
            placement.locations(split.index(), parent().partitions().length))
        .toSeq();
  }
}
