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
package org.tilekv.cuda;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.JCudaDriver;

/**
 * Work captured from a stream, launched again by {@link CudaStream#launch}. Arguments of kernels
 * are those of the capture. One launch of a graph runs at a time; launches on two streams are
 * ordered one after the other.
 */
public final class CudaGraph extends CudaResource {
  private final CUgraphExec handle = new CUgraphExec();
  private final long nodes;

  CudaGraph(CudaDevice device, CUgraph captured) {
    super(device);
    long[] count = new long[1];
    CudaErrors.check(JCudaDriver.cuGraphGetNodes(captured, null, count), "cuGraphGetNodes");
    nodes = count[0];
    CudaErrors.check(JCudaDriver.cuGraphInstantiate(handle, captured, 0), "cuGraphInstantiate");
    device.counters().add(ResourceCounters.Kind.GRAPH, 1);
  }

  CUgraphExec handle() {
    requireOpen();
    return handle;
  }

  /** Number of captured operations. */
  public long nodes() {
    return nodes;
  }

  @Override
  void release() {
    device.counters().add(ResourceCounters.Kind.GRAPH, -1);
    CudaErrors.check(JCudaDriver.cuGraphExecDestroy(handle), "cuGraphExecDestroy");
  }

  @Override
  public String toString() {
    return "graph of " + nodes + " nodes";
  }
}
