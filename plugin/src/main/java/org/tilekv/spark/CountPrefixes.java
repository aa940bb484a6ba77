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

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import org.apache.spark.util.CollectionAccumulator;
import org.jspecify.annotations.Nullable;
import org.tilekv.coordinator.plan.PathCounter;
import scala.Tuple2;

/**
 * First half of the planning job: the {@link TokenRecord}s of one partition become counted tree
 * nodes, one array of bytes for each bucket of names. A row that cannot be tokenised counts as one
 * that shares nothing.
 */
final class CountPrefixes implements PairFlatMapFunction<Iterator<byte[]>, Integer, byte[]> {
  private static final long serialVersionUID = 1L;

  private final GenerateSpec spec;
  private final int buckets;
  private final CollectionAccumulator<String> namings;

  /**
   * @param namings to add how tiles are named here to, as {@link TileNaming#toText}
   */
  CountPrefixes(GenerateSpec spec, int buckets, CollectionAccumulator<String> namings) {
    this.spec = spec;
    this.buckets = buckets;
    this.namings = namings;
  }

  @Override
  public Iterator<Tuple2<Integer, byte[]>> call(Iterator<byte[]> chunks) throws Exception {
    List<Tuple2<Integer, byte[]>> counted = new ArrayList<>();
    if (!chunks.hasNext()) {
      return counted.iterator();
    }
    TaskContext task = TaskContext.get();
    PathCounter counter = new PathCounter(buckets);
    try (RuntimeLease lease = PlanningLease.acquire(spec, task)) {
      TileNaming naming = TileNaming.of(lease.runtime());
      PromptPaths paths = new PromptPaths(lease.runtime().tokenizer(), naming, spec.salt());
      count(RecordChunks.unpack(chunks), paths, counter, task);
      namings.add(naming.toText());
    }
    byte[][] nodes = counter.finish();
    for (int bucket = 0; bucket < buckets; bucket++) {
      if (nodes[bucket].length > 0) {
        counted.add(new Tuple2<>(bucket, nodes[bucket]));
      }
    }
    return counted.iterator();
  }

  private static void count(
      Iterator<byte[]> records, PromptPaths paths, PathCounter counter, TaskContext task) {
    while (records.hasNext()) {
      task.killTaskIfInterrupted();
      byte @Nullable [] bytes = TokenRecord.tokenBytes(records.next());
      int @Nullable [] tokens = bytes == null ? null : TokenBytes.decode(bytes);
      counter.add(paths.path(tokens), tokens == null ? 0 : tokens.length);
    }
  }
}
