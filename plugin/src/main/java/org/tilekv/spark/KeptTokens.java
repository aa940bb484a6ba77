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

import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.LongAccumulator;

/**
 * The tokens of a job's prompts, from the pass that plans to the one that routes: each partition's
 * on the disk of the executor that made them. What is lost in between is made again. Somebody must
 * {@link #release} them or say with {@link #releaseAfter} when they are read: executors that keep
 * blocks stay when they idle.
 */
final class KeptTokens {

  private final SparkContext context;
  private final JavaRDD<byte[]> chunks;
  private final LongAccumulator tokeniseNs;

  private KeptTokens(SparkContext context, JavaRDD<byte[]> chunks, LongAccumulator tokeniseNs) {
    this.context = context;
    this.chunks = chunks;
    this.tokeniseNs = tokeniseNs;
  }

  /** Of rows, when a job first reads them. */
  static KeptTokens of(SparkContext context, JavaRDD<Row> rows, GenerateSpec spec) {
    LongAccumulator tokeniseNs = context.longAccumulator();
    JavaRDD<byte[]> chunks =
        rows.mapPartitions(new TokeniseRows(spec, tokeniseNs))
            .setName("TileKV tokens")
            .persist(StorageLevel.DISK_ONLY());
    return new KeptTokens(context, chunks, tokeniseNs);
  }

  /**
   * {@link RecordChunks} of a {@link TokenRecord} for each row, partitions and order those of the
   * rows.
   */
  JavaRDD<byte[]> chunks() {
    return chunks;
  }

  /** Time that tasks have spent on tokenising so far, added up. */
  double tokeniseSeconds() {
    return (double) tokeniseNs.sum() / TimeUnit.SECONDS.toNanos(1);
  }

  /** Drops the blocks; does not wait for it. */
  void release() {
    chunks.unpersist(false);
  }

  /** Drops them once a stage has read all of an RDD, or its job has ended in another way. */
  void releaseAfter(JavaRDD<?> reader) {
    context.addSparkListener(new ReleaseAfterRead(context, chunks.id(), reader.id()));
  }
}
