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

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.CudaDevice;

/** How many pages fit on a device beside a model. */
final class DevicePoolSize {

  private static final Logger LOG = LoggerFactory.getLogger(DevicePoolSize.class);

  /** Held back for steps that find no memory, see {@link ReservingDecoder}. */
  static final long RESERVE_BYTES = 256L << 20;

  // Libraries, captured graphs and what allocation rounds up.
  private static final long OVERHEAD_BYTES = 512L << 20;

  private DevicePoolSize() {}

  /**
   * Pages of the pool; never more than fit into what is free now.
   *
   * @param most upper limit in bytes, for one who was too greedy before
   * @throws DeviceUnavailableException where not even one tile of each KV head fits
   */
  static int pages(
      CudaDevice device,
      Checkpoint checkpoint,
      ModelConfig config,
      TileGeometry geometry,
      CudaModel.Budget budget,
      long most) {
    long model = modelBytes(checkpoint, config, geometry, budget);
    long free = device.freeBytes();
    long room = free - model;
    long asked =
        budget.poolBytes() > 0
            ? budget.poolBytes()
            : (long) (device.totalBytes() * budget.share()) - model;
    long bytes = Math.min(Math.min(asked, room), most);
    long pages = Math.min(Integer.MAX_VALUE, bytes / geometry.tileBytes());
    if (pages < geometry.kvHeads()) {
      throw new DeviceUnavailableException(
          "%s has %d bytes free; the model takes %d and a sequence at least %d, asked for are %d"
              .formatted(
                  device, free, model, (long) geometry.kvHeads() * geometry.tileBytes(), asked));
    }
    if (bytes < asked) {
      LOG.warn(
          "the pool gets {} bytes of {}, not the {} asked for: {} are free and the model takes {}",
          bytes,
          device,
          asked,
          free,
          model);
    }
    return (int) pages;
  }

  private static long modelBytes(
      Checkpoint checkpoint, ModelConfig config, TileGeometry geometry, CudaModel.Budget budget) {
    long elements = 0;
    for (String name : checkpoint.names()) {
      elements += checkpoint.tensor(name).elements();
    }
    int dtypeBytes = geometry.dtype().bytes();
    return elements * dtypeBytes
        + CudaActivations.bytes(
            config, geometry.dtype(), budget.maxStepTokens(), budget.maxBatchRows())
        + RESERVE_BYTES
        + OVERHEAD_BYTES;
  }
}
