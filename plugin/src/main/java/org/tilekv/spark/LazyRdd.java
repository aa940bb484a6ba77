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
import java.util.function.Supplier;
import org.apache.spark.Dependency;
import org.apache.spark.OneToOneDependency;
import org.apache.spark.Partition;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import scala.collection.Iterator;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;

/**
 * The rows of an RDD that is made, once, when Spark first asks for its partitions or dependencies:
 * when a job starts. What making it runs, runs on the thread that starts the job.
 */
final class LazyRdd extends RDD<Row> {
  private static final long serialVersionUID = 1L;

  private final transient Supplier<RDD<Row>> maker;

  LazyRdd(SparkContext context, Supplier<RDD<Row>> maker) {
    super(
        context,
        CollectionConverters.asScala(List.<Dependency<?>>of()).toSeq(),
        ClassTag$.MODULE$.apply(Row.class));
    this.maker = maker;
  }

  @Override
  public Seq<Dependency<?>> getDependencies() {
    Dependency<?> made = new OneToOneDependency<>(maker.get());
    return CollectionConverters.asScala(List.<Dependency<?>>of(made)).toSeq();
  }

  private RDD<Row> made() {
    return this.<Row>firstParent(elementClassTag());
  }

  @Override
  public Partition[] getPartitions() {
    return made().partitions();
  }

  @Override
  public Iterator<Row> compute(Partition split, TaskContext context) {
    return made().iterator(split, context);
  }
}
