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
import org.apache.spark.SparkContext;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag$;

/**
 * The rows of an RDD that is made, once, when Spark first asks for its partitions or dependencies:
 * when a job starts. What making it runs, runs on the thread that starts the job.
 *
 * <p>Queries made there are of their own: meanwhile the id of the query around is put aside, or the
 * UI would show their plans in its place.
 */
class LazyRdd extends PlacedRdd<Row> {
  private static final long serialVersionUID = 1L;

  private static final String SQL_EXECUTION_ID = "spark.sql.execution.id";

  private final transient SparkContext driver;
  private final transient Supplier<RDD<Row>> maker;

  LazyRdd(SparkContext context, Supplier<RDD<Row>> maker) {
    this(context, maker, Placement.ANYWHERE);
  }

  LazyRdd(SparkContext context, Supplier<RDD<Row>> maker, Placement placement) {
    super(context, ClassTag$.MODULE$.apply(Row.class), placement);
    this.driver = context;
    this.maker = maker;
  }

  @Override
  public final Seq<Dependency<?>> getDependencies() {
    String outer = driver.getLocalProperty(SQL_EXECUTION_ID);
    driver.setLocalProperty(SQL_EXECUTION_ID, null);
    try {
      Dependency<?> made = new OneToOneDependency<>(maker.get());
      return CollectionConverters.asScala(List.<Dependency<?>>of(made)).toSeq();
    } finally {
      driver.setLocalProperty(SQL_EXECUTION_ID, outer);
    }
  }
}
