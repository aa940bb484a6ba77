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

import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.DeviceUnavailableException;
import org.tilekv.KvDtype;
import org.tilekv.OpenedResources;
import org.tilekv.TileGeometry;
import org.tilekv.attention.CudaKvMemory;
import org.tilekv.attention.CudaPageTable;
import org.tilekv.cache.TileCache;
import org.tilekv.cache.TileCacheOptions;
import org.tilekv.cuda.Cublas;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaOutOfMemoryException;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.DeviceTiles;
import org.tilekv.cuda.KernelModules;

/** A model on a CUDA device: its tiles in device memory and the decoder over them. */
public final class CudaModel implements AutoCloseable {

  /** Part of the namespace: tiles of other arithmetic are not the same tiles. */
  public static final String ARITHMETIC = "cuda-2";

  private static final int MIN_TILE_TOKENS = 8;
  private static final Logger LOG = LoggerFactory.getLogger(CudaModel.class);

  private final OpenedResources opened = new OpenedResources();
  private final CudaDevice device;
  private final TileCache cache;
  private final CudaDecoder cudaDecoder;
  private final TokenDecoder decoder;

  /**
   * How much of a device a model takes.
   *
   * @param ordinal number of the device among those that the process sees
   * @param poolBytes bytes of the page pool, 0 for what the share leaves
   * @param share part of the device's memory that model, activations and pool take together, where
   *     no bytes are given
   * @param maxStepTokens most tokens of a step
   * @param maxBatchRows most rows of a step that give a token
   */
  public record Budget(
      int ordinal, long poolBytes, double share, int maxStepTokens, int maxBatchRows) {}

  private CudaModel(
      Checkpoint checkpoint,
      ModelConfig config,
      TileGeometry geometry,
      Budget budget,
      PoolLimit limit,
      IntFunction<TileCacheOptions> cacheOptions) {
    try {
      device = opened.add(CudaDevice.open(budget.ordinal()));
      device.makeCurrent();
      KernelModules kernels = opened.add(new KernelModules(device));
      CudaStream stream = opened.add(device.createStream());
      int pages = DevicePoolSize.pages(device, checkpoint, config, geometry, budget, limit.bytes());
      limit.tried((long) pages * geometry.tileBytes());
      DeviceTiles tiles = opened.add(new DeviceTiles(device, kernels, stream, geometry, pages));
      tiles.openHostCopies(device, kernels);
      cache = opened.add(TileCache.create(cacheOptions.apply(pages), tiles));
      CudaPageTable table = opened.add(new CudaPageTable(device, kernels, stream, cache.table()));
      cudaDecoder =
          opened.add(
              CudaDecoder.load(
                  checkpoint,
                  config,
                  device,
                  stream,
                  kernels,
                  new CudaKvMemory(table, tiles),
                  budget.maxStepTokens(),
                  budget.maxBatchRows()));
      DeviceMemory reserve = opened.add(device.allocate(DevicePoolSize.RESERVE_BYTES, "reserve"));
      decoder = opened.add(new ReservingDecoder(cudaDecoder, reserve));
      LOG.info(
          "the model runs on {}: {} pages of {} bytes, {} bytes of the device in all, {} free",
          device,
          pages,
          geometry.tileBytes(),
          device.usage().totalDeviceBytes(),
          device.freeBytes());
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  /** Why a model cannot run on a GPU of this machine; null where it can. */
  public static @Nullable String unavailable(ModelConfig config, TileGeometry geometry) {
    String why = Cuda.unavailableReason();
    if (why == null) {
      why = Cublas.unavailableReason();
    }
    if (why == null) {
      why = CudaShapes.unsupported(config);
    }
    if (why == null && geometry.dtype() == KvDtype.INT8) {
      why = "there are no kernels for INT8 tiles";
    }
    if (why == null && geometry.tileTokens() < MIN_TILE_TOKENS) {
      why =
          "tiles have %d tokens; there are kernels for %d and more"
              .formatted(geometry.tileTokens(), MIN_TILE_TOKENS);
    }
    return why;
  }

  /**
   * Takes device memory and uploads the weights; the checkpoint may be closed afterwards. Where
   * others take memory at the same time, it begins again with a smaller pool.
   *
   * @param cacheOptions what the cache is made of, given its pages
   * @throws InvalidModelException where there are no kernels for the model's shape
   * @throws DeviceUnavailableException where the device has no room for the model and one tile, or
   *     something that it needs is missing
   */
  public static CudaModel open(
      Checkpoint checkpoint,
      ModelConfig config,
      TileGeometry geometry,
      Budget budget,
      IntFunction<TileCacheOptions> cacheOptions) {
    CudaShapes.check(config);
    PoolLimit limit = new PoolLimit();
    while (true) {
      try {
        return new CudaModel(checkpoint, config, geometry, budget, limit, cacheOptions);
      } catch (CudaOutOfMemoryException e) {
        limit.lower(e);
      }
    }
  }

  public TileCache cache() {
    return cache;
  }

  public TokenDecoder decoder() {
    return decoder;
  }

  /** How long the device was busy with steps so far; any thread may ask. */
  public StepTimes.Totals stepTimes() {
    return cudaDecoder.times();
  }

  @Override
  public void close() {
    device.makeCurrent();
    opened.close();
  }
}
