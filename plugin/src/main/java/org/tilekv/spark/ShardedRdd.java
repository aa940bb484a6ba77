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

import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The rows of a dataset, each partition with the executor that holds its tiles as preferred
 * location. Partitions are those of the dataset, one to one.
 *
 * <p>The dataset's plan is executed when a job starts: with adaptive execution an earlier look
 * would run the shuffles below.
 */
final class ShardedRdd extends LazyRdd {
  private static final long serialVersionUID = 1L;

  ShardedRdd(SparkContext context, Dataset<Row> rows, Placement placement) {
    super(context, () -> rows.javaRDD().rdd(), placement);
  }
}
