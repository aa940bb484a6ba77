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

import org.apache.spark.Partition;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** Another RDD as it is, with preferred locations. */
final class PlacedRdd<T> extends RDD<T> {
  private static final long serialVersionUID = 1L;

  private final transient ShardedRdd.Placement placement;

  PlacedRdd(RDD<T> parent, ShardedRdd.Placement placement) {
    super(parent, parent.elementClassTag());
    this.placement = placement;
  }

  private RDD<T> parent() {
    return this.<T>firstParent(elementClassTag());
  }

  @Override
  public Partition[] getPartitions() {
    return parent().partitions();
  }

  @Override
  public Iterator<T> compute(Partition split, TaskContext context) {
    return parent().iterator(split, context);
  }

  @Override
  public Seq<String> getPreferredLocations(Partition split) {
    return CollectionConverters.asScala(
            placement.locations(split.index(), parent().partitions().length))
        .toSeq();
  }
}
