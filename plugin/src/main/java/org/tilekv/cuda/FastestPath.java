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

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The fastest way of copying tiles of one size between a device and pinned memory. */
final class FastestPath {

  private static final Logger LOG = LoggerFactory.getLogger(FastestPath.class);
  // Links do not change while a process lives.
  private static final Map<Tile, TransferCalibration> MEASURED = new ConcurrentHashMap<>();

  private record Tile(int deviceOrdinal, int bytes) {}

  private FastestPath() {}

  /**
   * The way for a tile size. The first call for a device and size measures, which takes a fraction
   * of a second; nothing else should run meanwhile.
   */
  static TileMover.Path of(CudaDevice device, KernelModules kernels, int tileBytes) {
    if (tileBytes % 16 != 0) {
      return TileMover.Path.PER_TILE;
    }
    TransferCalibration speeds =
        MEASURED.computeIfAbsent(
            new Tile(device.ordinal(), tileBytes),
            tile -> TransferCalibration.measure(device, kernels, tileBytes));
    TileMover.Path path = speeds.fastest().path();
    LOG.info("copies of {} bytes from and to {}: {}; {}", tileBytes, device, path, speeds);
    return path;
  }
}
