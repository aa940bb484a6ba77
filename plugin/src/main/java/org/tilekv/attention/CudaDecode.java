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
import org.tilekv.KvDtype;
import org.tilekv.OpenedResources;
import org.tilekv.TileGeometry;
import org.tilekv.cuda.CudaDevice;
import org.tilekv.cuda.CudaFunction;
import org.tilekv.cuda.CudaStream;
import org.tilekv.cuda.CudaUnavailableException;
import org.tilekv.cuda.DeviceMemory;
import org.tilekv.cuda.KernelArguments;
import org.tilekv.cuda.KernelModules;

/**
 * Launches decode attention: one token per row, {@code attention_decode.cu}; before it, where a
 * step has shared prefixes, {@code attention_prefix_sm90a.cu}. Used by one thread and one stream.
 */
final class CudaDecode implements AutoCloseable {

  private static final int MAX_GROUP_SIZE = 16;
  private static final int THREADS = 192;
  private static final int PREFIX_THREADS = 384;
  private static final int PARTIAL_EXTRA = 4;
  private static final int MIN_PART_ROWS = 2048;
  private static final String TAG = "attention";

  private final CudaKvMemory memory;
  private final TileGeometry geometry;
  private final int groupSize;
  private final int maxRows;
  private final int multiprocessors;
  private final @Nullable HopperPrefill hopper;
  private final OpenedResources opened = new OpenedResources();
  private final CudaFunction decode;
  private final int sharedBytes;
  private final int blocks;
  private final DeviceMemory partials;
  private final DeviceMemory arrivals;
  private @Nullable CudaFunction prefix;
  private @Nullable DeviceMemory prefixParts;
  private final KernelArguments arguments = new KernelArguments(20);
  private final KernelArguments prefixArguments = new KernelArguments(16);

  private CudaDecode(
      CudaDevice device,
      CudaStream stream,
      KernelModules kernels,
      CudaKvMemory memory,
      int groupSize,
      int maxRows,
      @Nullable HopperPrefill hopper) {
    this.memory = memory;
    this.groupSize = groupSize;
    this.maxRows = maxRows;
    this.hopper = hopper;
    geometry = memory.geometry();
    multiprocessors = device.multiprocessors();
    int dim = geometry.headDim();
    String shape = CudaPagedAttention.suffix(geometry.dtype()) + "_d" + dim;
    sharedBytes = sharedBytes(dim, groupSize);
    decode =
        kernels
            .function(
                "attention_decode", "tilekv_decode_" + shape + (groupSize <= 8 ? "_g8" : "_g16"))
            .allowSharedBytes(sharedBytes);
    blocks = Math.max(1, decode.blocksPerMultiprocessor(THREADS, sharedBytes)) * multiprocessors;
    long rowBytes = (long) Float.BYTES * (dim + PARTIAL_EXTRA);
    try {
      partials = opened.add(device.allocate(2L * blocks * groupSize * rowBytes, TAG));
      int counters = maxRows * geometry.kvHeads();
      arrivals = opened.add(device.allocate((long) Integer.BYTES * counters, TAG));
      stream.fillInts(arrivals.address(), 0, counters);
      if (hopper != null) {
        openPrefix(device, kernels, shape, rowBytes);
      }
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  private void openPrefix(CudaDevice device, KernelModules kernels, String shape, long rowBytes) {
    prefix =
        kernels
            .function("attention_prefix_sm90a", "tilekv_prefix_" + shape)
            .allowSharedBytes(HopperPrefill.sharedBytes(geometry.headDim()));
    long queryHeads = (long) groupSize * geometry.kvHeads();
    prefixParts = opened.add(device.allocate(partRows() * queryHeads * rowBytes, TAG));
  }

  /**
   * The kernels where type and shape have them, else null.
   *
   * @param hopper where it is not null, shared prefixes are read once
   */
  static @Nullable CudaDecode open(
      CudaDevice device,
      CudaStream stream,
      KernelModules kernels,
      CudaKvMemory memory,
      int groupSize,
      int maxRows,
      @Nullable HopperPrefill hopper) {
    KvDtype dtype = memory.geometry().dtype();
    boolean halves = dtype == KvDtype.BFLOAT16 || dtype == KvDtype.FLOAT16;
    if (!halves || groupSize > MAX_GROUP_SIZE) {
      return null;
    }
    try {
      return new CudaDecode(device, stream, kernels, memory, groupSize, maxRows, hopper);
    } catch (CudaUnavailableException e) {
      return null;
    }
  }

  /** Of DecodeShape in decode_mma.cuh. */
  private static int sharedBytes(int dim, int groupSize) {
    int stages = dim <= 64 ? 3 : 2;
    int stageBytes = 2 * ((dim + 63) / 64) * DecodePlan.BLOCK_KEYS * 128;
    int barrierBytes = (16 * (stages + 3) + 15) / 16 * 16;
    int perHead = 3 * dim * 2 + 4 * (dim + PARTIAL_EXTRA) * Float.BYTES;
    return 1024 + stages * stageBytes + barrierBytes + 192 + 512 + groupSize * perHead;
  }

  private int partRows() {
    return Math.max(MIN_PART_ROWS, 4 * maxRows);
  }

  /** A plan for layers of one window. */
  DecodePlan plan(int window) {
    SharedPrefixes shared = null;
    if (prefix != null && window == 0) {
      PrefixCost cost = new PrefixCost(geometry, groupSize, multiprocessors);
      shared = new SharedPrefixes(memory.table().table(), cost, partRows());
    }
    return new DecodePlan(window, maxRows, shared);
  }

  /** As {@link CudaPagedAttention#decode}. */
  void attend(
      CudaStream stream, int layer, long q, int qStride, long out, DecodePlan plan, long buffer) {
    float scale = (float) (1 / Math.sqrt(geometry.headDim()));
    if (plan.sharing()) {
      attendPrefix(stream, layer, q, qStride, plan, buffer, scale);
    }
    arguments
        .begin()
        .address(q)
        .address(out)
        .address(memory.tiles().address())
        .address(memory.table().address())
        .address(plan.entries(buffer))
        .integer(plan.rows())
        .address(partials.address())
        .address(arrivals.address())
        .address(prefixParts == null ? 0 : prefixParts.address())
        .integer(plan.rows());
    memory
        .describe(arguments, groupSize, layer)
        .integer(plan.window())
        .number(scale)
        .integer(qStride)
        .integer(groupSize * geometry.kvHeads() * geometry.headDim());
    decode.launch(stream, blocks, 1, 1, THREADS, sharedBytes, arguments);
  }

  private void attendPrefix(
      CudaStream stream,
      int layer,
      long q,
      int qStride,
      DecodePlan plan,
      long buffer,
      float scale) {
    if (prefix == null || prefixParts == null || hopper == null) {
      throw new IllegalStateException("a plan shares prefixes, for which there are no kernels");
    }
    prefixArguments
        .begin()
        .address(q)
        .address(prefixParts.address())
        .address(hopper.mapAddress())
        .address(memory.table().address())
        .address(plan.sharedItems(buffer))
        .address(plan.sharedCount(buffer))
        .address(plan.sharedMembers(buffer))
        .integer(plan.rows());
    memory.describe(prefixArguments, groupSize, layer).number(scale).integer(qStride);
    int bytes = HopperPrefill.sharedBytes(geometry.headDim());
    prefix.launch(stream, multiprocessors, 1, 1, PREFIX_THREADS, bytes, prefixArguments);
  }

  @Override
  public void close() {
    opened.close();
  }
}
