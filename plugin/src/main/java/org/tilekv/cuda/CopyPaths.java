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

/**
 * The faster way of copying tiles of one size, each direction.
 *
 * @param toHost device to pinned memory
 * @param toDevice pinned memory to device
 */
record CopyPaths(TileMover.Path toHost, TileMover.Path toDevice) {

  private static final Logger LOG = LoggerFactory.getLogger(CopyPaths.class);
  // By device; links do not change while a process lives.
  private static final Map<Integer, TransferCalibration> MEASURED = new ConcurrentHashMap<>();

  /**
   * Both for a tile size. The first call for a device measures, which takes a fraction of a second;
   * nothing else should run meanwhile.
   */
  static CopyPaths of(CudaDevice device, KernelModules kernels, int tileBytes) {
    if (tileBytes % 16 != 0) {
      return new CopyPaths(TileMover.Path.PER_TILE, TileMover.Path.PER_TILE);
    }
    TransferCalibration speeds =
        MEASURED.computeIfAbsent(
            device.ordinal(), ordinal -> TransferCalibration.measure(device, kernels));
    CopyPaths paths = new CopyPaths(speeds.toHost(tileBytes), speeds.toDevice(tileBytes));
    LOG.info("tiles of {} bytes on {}: {}; {}", tileBytes, device, paths, speeds);
    return paths;
  }
}
