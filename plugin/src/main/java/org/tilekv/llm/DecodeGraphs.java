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
package org.tilekv.llm;

import java.util.HashMap;
import java.util.Map;
import java.util.function.IntConsumer;
import org.tilekv.cuda.CudaGraph;
import org.tilekv.cuda.CudaStream;

/**
 * Captured decode steps, one per bucket of batch sizes, with and without shared prefixes and draws,
 * captured when first needed. A step of n rows runs in the smallest bucket that holds them. Used by
 * one thread.
 */
final class DecodeGraphs implements AutoCloseable {

  private static final int FINE = 8;

  private final CudaStream stream;
  private final int maxRows;
  private final IntConsumer body;
  private final Map<Kind, CudaGraph> graphs = new HashMap<>();

  private record Kind(int bucket, boolean sharing, boolean draws) {}

  /**
   * @param maxRows largest batch
   * @param body launches the kernels of a bucket onto the stream
   */
  DecodeGraphs(CudaStream stream, int maxRows, IntConsumer body) {
    this.stream = stream;
    this.maxRows = maxRows;
    this.body = body;
  }

  /** Rows of the bucket: 1, 2, 4, then multiples of 8, 16 above 64 and 32 above 256. */
  int bucket(int rows) {
    int step = rows <= FINE ? Math.max(1, Integer.highestOneBit(2 * rows - 1)) : FINE;
    if (rows > 64) {
      step = rows <= 256 ? 16 : 32;
    }
    return Math.min(maxRows, (rows + step - 1) / step * step);
  }

  /**
   * Runs a bucket's kernels, from its graph where there is one already.
   *
   * @param sharing whether rows read prefixes together
   * @param draws whether tokens are drawn
   */
  void run(int bucket, boolean sharing, boolean draws) {
    Kind kind = new Kind(bucket, sharing, draws);
    CudaGraph graph = graphs.get(kind);
    if (graph == null) {
      // Once without a graph: libraries may allocate on first use, which a capture forbids.
      body.accept(bucket);
      graphs.put(kind, stream.capture(() -> body.accept(bucket)));
      return;
    }
    stream.launch(graph);
  }

  @Override
  public void close() {
    graphs.values().forEach(CudaGraph::close);
    graphs.clear();
  }
}
