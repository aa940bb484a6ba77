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
package org.tilekv.attention;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.Cuda;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.CudaUnavailableException;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.GemmType;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;
import org.tilekv.cuda.Kernels;
import org.tilekv.cuda.TensorMap;

/**
 * Launches the prefill kernels of Hopper, {@code attention_prefill_sm90a.cu}: tensor cores fed by
 * bulk tensor copies through one tensor map of the whole pool. Its results differ in bits from
 * those of {@link PortablePrefill}. Used by one thread.
 */
final class HopperPrefill implements CudaPrefill {

  private static final int ITEM_ROWS = 128;
  private static final Logger LOG = LoggerFactory.getLogger(HopperPrefill.class);
  private static final String MODULE = "attention_prefill_sm90a";
  private static final int BLOCK = 384;
  private static final int MIN_TILE_TOKENS = 8;
  private static final int BOX_ELEMENTS = 64;
  private static final int Q_ALIGNMENT_BYTES = 16;

  private final CudaKvMemory memory;
  private final int groupSize;
  private final int multiprocessors;
  private final CudaFunction kernel;
  private final int sharedBytes;
  private final DeviceMemory map;
  private final KernelArguments arguments = new KernelArguments(16);

  private HopperPrefill(
      CudaDevice device,
      CudaStream stream,
      CudaKvMemory memory,
      int groupSize,
      CudaFunction kernel) {
    this.memory = memory;
    this.groupSize = groupSize;
    this.kernel = kernel;
    multiprocessors = device.multiprocessors();
    sharedBytes = sharedBytes(memory.geometry().headDim());
    kernel.allowSharedBytes(sharedBytes);
    map = device.allocate(TensorMap.BYTES, "tensor map");
    try {
      // Not pinned: the copy has read the bytes when it returns.
      stream.copyToDevice(map.address(), Cuda.addressOf(poolMap(memory).encode()), TensorMap.BYTES);
    } catch (Throwable failure) {
      map.close();
      throw failure;
    }
  }

  /** The kernels where device, type and shape have them, else null. */
  static @Nullable HopperPrefill open(
      CudaDevice device,
      CudaStream stream,
      KernelModules kernels,
      CudaKvMemory memory,
      int groupSize) {
    TileGeometry geometry = memory.geometry();
    if (!Kernels.runsHopperOnly(device) || !covers(geometry) || groupSize > ITEM_ROWS) {
      return null;
    }
    String name =
        "tilekv_prefill_tma_"
            + CudaPagedAttention.suffix(geometry.dtype())
            + "_d"
            + geometry.headDim();
    try {
      return new HopperPrefill(device, stream, memory, groupSize, kernels.function(MODULE, name));
    } catch (CudaUnavailableException e) {
      LOG.warn("prefill takes the kernels for all devices, several times slower here", e);
      return null;
    }
  }

  private static boolean covers(TileGeometry geometry) {
    boolean halves = geometry.dtype() == KvDtype.BFLOAT16 || geometry.dtype() == KvDtype.FLOAT16;
    int dim = geometry.headDim();
    return halves
        && (dim == 64 || dim == 128 || dim == 256)
        && geometry.tileTokens() >= MIN_TILE_TOKENS;
  }

  /** Of WgmmaShape in prefill_wgmma.cuh. */
  static int sharedBytes(int headDim) {
    return headDim == 64 ? 132224 : 197760;
  }

  /** Keys that the kernel takes at a time. */
  private static int blockKeys(int headDim) {
    return headDim > 128 ? 64 : 128;
  }

  private static TensorMap poolMap(CudaKvMemory memory) {
    TileGeometry geometry = memory.geometry();
    int dim = geometry.headDim();
    GemmType type = geometry.dtype() == KvDtype.FLOAT16 ? GemmType.FLOAT16 : GemmType.BFLOAT16;
    long rows = (long) memory.tiles().pages() * (geometry.tileElements() / dim);
    int boxRows = Math.min(geometry.tileTokens(), blockKeys(dim));
    return new TensorMap(type, memory.tiles().address(), rows, dim, boxRows, BOX_ELEMENTS);
  }

  /** Address of the tensor map of the pool. */
  long mapAddress() {
    return map.address();
  }

  @Override
  public int itemRows() {
    return ITEM_ROWS;
  }

  @Override
  public void attend(
      CudaStream stream,
      int layer,
      int window,
      long q,
      int qStride,
      long out,
      long items,
      int count) {
    TileGeometry geometry = memory.geometry();
    if (q % Q_ALIGNMENT_BYTES != 0 || qStride * geometry.dtype().bytes() % Q_ALIGNMENT_BYTES != 0) {
      throw new IllegalArgumentException(
          "q is at %d with stride %d; both must be multiples of %d bytes"
              .formatted(q, qStride, Q_ALIGNMENT_BYTES));
    }
    int dim = geometry.headDim();
    arguments
        .begin()
        .address(q)
        .address(out)
        .address(map.address())
        .address(memory.table().address())
        .address(items)
        .integer(count);
    memory
        .describe(arguments, groupSize, layer)
        .integer(window)
        .number((float) (1 / Math.sqrt(dim)))
        .integer(qStride)
        .integer(groupSize * geometry.kvHeads() * dim);
    int blocks = Math.min(multiprocessors, count * geometry.kvHeads());
    kernel.launch(stream, blocks, 1, 1, BLOCK, sharedBytes, arguments);
  }

  @Override
  public void close() {
    map.close();
  }
}
