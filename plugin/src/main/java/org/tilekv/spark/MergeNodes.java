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

import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.tilekv.coordinator.plan.NodeTable;
import scala.Tuple2;

/** Second half of the planning job: adds up one bucket's nodes and keeps those that are shared. */
final class MergeNodes implements FlatMapFunction<Iterator<Tuple2<Integer, byte[]>>, byte[]> {
  private static final long serialVersionUID = 1L;

  private final int mostNodes;

  /**
   * @param mostNodes nodes of a bucket to keep at most
   */
  MergeNodes(int mostNodes) {
    this.mostNodes = mostNodes;
  }

  @Override
  public Iterator<byte[]> call(Iterator<Tuple2<Integer, byte[]>> counted) {
    NodeTable table = new NodeTable();
    counted.forEachRemaining(nodes -> table.addAll(nodes._2));
    return List.of(table.encodeShared(mostNodes)).iterator();
  }
}
