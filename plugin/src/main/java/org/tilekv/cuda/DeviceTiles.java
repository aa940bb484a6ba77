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

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.HostAllocator;
import org.tilekv.KvDtype;
import org.tilekv.TileGeometry;
import org.tilekv.TileMemory;

/**
 * The bytes of a page pool in device memory: one allocation, page after page.
 *
 * <p>Slots are copied by a kernel in the order of one stream, which is also the stream of the
 * forward steps: a step overwrites a page after its last reader without any event. Whole pages go
 * to the host and come from there on streams of their own, once {@link #openHostCopies} was called;
 * {@link #orderStep} and {@link #stepQueued} around each step, and {@link #lettingGo} before pages
 * that it uses are given back, keep them apart.
 */
public final class DeviceTiles implements TileMemory {

  private static final int PAIR_INTS = 3;
  private static final int MAX_PAIRS = 4096;
  private static final int BLOCK = 128;

  private final TileGeometry geometry;
  private final int pages;
  private final CudaStream stream;
  private final DeviceMemory pool;
  private final DeviceMemory devicePairs;
  private final PinnedMemory pairs;
  private final CudaFunction copySlots;
  private final KernelArguments arguments = new KernelArguments(7);
  private @Nullable PageCopies copies;
  private boolean closed;

  /** Allocates the pool; throws {@link CudaOutOfMemoryException} where it does not fit. */
  public DeviceTiles(
      CudaDevice device,
      KernelModules kernels,
      CudaStream stream,
      TileGeometry geometry,
      int pages) {
    this.geometry = geometry;
    this.pages = pages;
    this.stream = stream;
    copySlots = kernels.function("decoder_ops", "tilekv_copy_slots");
    pool = device.allocate((long) pages * geometry.tileBytes(), "tiles");
    devicePairs = device.allocate((long) MAX_PAIRS * PAIR_INTS * Integer.BYTES, "tile copies");
    pairs = device.allocatePinned((long) MAX_PAIRS * PAIR_INTS * Integer.BYTES, "tile copies");
  }

  @Override
  public TileGeometry geometry() {
    return geometry;
  }

  @Override
  public int pages() {
    return pages;
  }

  @Override
  public long bytes() {
    return closed ? 0 : pool.bytes();
  }

  /** Address of page 0. */
  public long address() {
    return pool.address();
  }

  /**
   * Makes copies to and from the host possible, before the first of them; measures how they are
   * made fastest.
   */
  public void openHostCopies(CudaDevice device, KernelModules kernels) {
    copies = new PageCopies(device, kernels, address(), geometry.tileBytes());
  }

  /** To be called before a step is queued, outside of a capture: it comes behind evictions. */
  public void orderStep(CudaStream steps) {
    if (copies != null) {
      copies.orderBehindEvictions(steps);
    }
  }

  /** To be called when a step has been queued, outside of a capture. */
  public void stepQueued(CudaStream steps) {
    if (copies != null) {
      copies.stepQueued(steps);
    }
  }

  @Override
  public boolean copiesToHost() {
    return copies != null;
  }

  private PageCopies copies() {
    if (copies == null) {
      throw new UnsupportedOperationException("copies to the host have not been opened");
    }
    return copies;
  }

  @Override
  public @Nullable HostAllocator hostAllocator() {
    return copies == null ? null : copies.pieces();
  }

  @Override
  public void copyOut(int[] pages, ByteBuffer dst) {
    copies().copyOut(pages, dst);
  }

  @Override
  public Copy beginCopyOut(int[] pages, ByteBuffer dst) {
    return copies().evict(pages, dst);
  }

  @Override
  public void copyIn(int[] pages, ByteBuffer src) {
    copies().copyIn(List.of(pages), List.of(src));
  }

  @Override
  public void copyIn(List<int[]> pages, List<ByteBuffer> sources) {
    copies().copyIn(pages, sources);
  }

  @Override
  public synchronized void copySlots(int[] fromPages, int[] toPages, int slots) {
    for (int first = 0; first < fromPages.length; first += MAX_PAIRS) {
      copySlots(fromPages, toPages, slots, first, Math.min(MAX_PAIRS, fromPages.length - first));
    }
    lettingGo();
  }

  @Override
  public void lettingGo() {
    if (copies != null) {
      copies.lettingGo(stream);
    }
  }

  private void copySlots(int[] fromPages, int[] toPages, int slots, int first, int count) {
    // The stream may still read what the last call staged.
    stream.synchronize();
    orderStep(stream);
    for (int i = 0; i < count; i++) {
      int at = i * PAIR_INTS * Integer.BYTES;
      pairs
          .buffer()
          .putInt(at, fromPages[first + i])
          .putInt(at + Integer.BYTES, toPages[first + i])
          .putInt(at + 2 * Integer.BYTES, slots);
    }
    stream.copyToDevice(
        devicePairs.address(), pairs.address(), (long) count * PAIR_INTS * Integer.BYTES);
    arguments
        .begin()
        .address(pool.address())
        .address(devicePairs.address())
        .integer(geometry.layers())
        .integer(geometry.tileTokens())
        .integer(geometry.headDim() * geometry.dtype().bytes())
        .address(geometry.tileBytes())
        .integer(geometry.dtype() == KvDtype.INT8 ? geometry.keyScaleOffset(0, 0) : 0);
    copySlots.launch(stream, count * geometry.layers() * 2, 1, 1, BLOCK, 0, arguments);
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (copies != null) {
      copies.close();
    }
    pairs.close();
    devicePairs.close();
    pool.close();
  }
}
