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
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.tilekv.coordinator.plan.PathCounter;
import org.tilekv.prefix.ChainHash;
import org.tilekv.prefix.Namespace;
import scala.Tuple2;

/**
 * Rows of random prefixes with an end of their own, made and counted partition by partition as
 * {@code CountPrefixes} counts rows of text. Every tile of every row is hashed.
 */
final class MadeUpRows implements FlatMapFunction<Integer, Tuple2<Integer, byte[]>> {
  private static final long serialVersionUID = 1L;

  private final int rows;
  private final int tokens;
  private final int prefixes;
  private final int prefixTokens;
  private final int tileTokens;
  private final int partitions;

  MadeUpRows(int rows, int tokens, int prefixes, int prefixTokens, int tileTokens, int partitions) {
    this.rows = rows;
    this.tokens = tokens;
    this.prefixes = prefixes;
    this.prefixTokens = prefixTokens;
    this.tileTokens = tileTokens;
    this.partitions = partitions;
  }

  List<Integer> partitionNumbers() {
    return IntStream.range(0, partitions).boxed().toList();
  }

  @Override
  public Iterator<Tuple2<Integer, byte[]>> call(Integer partition) {
    Random random = new Random(partition);
    PathCounter counter = new PathCounter(partitions);
    ChainHash root = ChainHash.root(Namespace.builder().field("rows", "made up").build(), null);
    int[] prompt = new int[tokens];
    int here =
        (int) ((long) rows * (partition + 1) / partitions - (long) rows * partition / partitions);
    for (int row = 0; row < here; row++) {
      fill(prompt, random);
      counter.add(path(root, prompt), tokens);
    }
    byte[][] nodes = counter.finish();
    List<Tuple2<Integer, byte[]>> counted = new ArrayList<>();
    for (int bucket = 0; bucket < nodes.length; bucket++) {
      counted.add(new Tuple2<>(bucket, nodes[bucket]));
    }
    return counted.iterator();
  }

  private void fill(int[] prompt, Random random) {
    int prefix = random.nextInt(prefixes);
    for (int i = 0; i < tokens; i++) {
      prompt[i] = i < prefixTokens ? prefix * 31 + i : random.nextInt(32_000);
    }
  }

  private long[] path(ChainHash root, int[] prompt) {
    long[] path = new long[(tokens - 1) / tileTokens];
    ChainHash name = root;
    for (int tile = 0; tile < path.length; tile++) {
      name = name.child(prompt, tile * tileTokens, tileTokens);
      path[tile] = name.shortName();
    }
    return path;
  }
}
