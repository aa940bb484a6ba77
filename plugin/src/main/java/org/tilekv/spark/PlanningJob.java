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

import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.HashPartitioner;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.util.CollectionAccumulator;
import org.tilekv.coordinator.plan.NodeTable;

/**
 * The one pass over a job's rows that finds what they share. Rows stay where they are; what travels
 * is tile names with counts, spread over buckets by name, and to the driver come only those that
 * two rows and more have.
 */
final class PlanningJob {

  /** Nodes that come to the driver at most, about 100 bytes each there. */
  static final int MAX_NODES = 1 << 20;

  private static final int MAX_BUCKETS = 1_000;

  /**
   * What the rows share.
   *
   * @param namings how the executors that had rows name tiles; names of two kinds do not compare
   */
  record Shared(NodeTable nodes, Set<TileNaming> namings) {}

  private PlanningJob() {}

  /** Runs the job, which makes the tokens, and waits for it. */
  static Shared run(SparkContext context, KeptTokens kept, GenerateSpec spec) {
    int buckets = Math.max(1, Math.min(kept.chunks().getNumPartitions(), MAX_BUCKETS));
    CollectionAccumulator<String> namings = context.collectionAccumulator();
    NodeTable nodes =
        merge(
            kept.chunks().mapPartitionsToPair(new CountPrefixes(spec, buckets, namings)), buckets);
    return new Shared(
        nodes, namings.value().stream().map(TileNaming::parse).collect(Collectors.toSet()));
  }

  /** Adds up what {@link CountPrefixes} counted, bucket by bucket, and collects what is shared. */
  static NodeTable merge(JavaPairRDD<Integer, byte[]> counted, int buckets) {
    NodeTable nodes = new NodeTable();
    counted
        .partitionBy(new HashPartitioner(buckets))
        .mapPartitions(new MergeNodes(Math.max(1, MAX_NODES / buckets)))
        .collect()
        .forEach(nodes::addAll);
    return nodes;
  }
}
