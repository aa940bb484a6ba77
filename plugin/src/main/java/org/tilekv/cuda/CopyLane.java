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
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.tilekv.OpenedResources;

/**
 * A stream for copies between pages of a pool and host memory, beside the stream of the steps. Used
 * by one thread at a time.
 */
final class CopyLane implements AutoCloseable {

  // Above the steps: their kernels fill the device, and a copy needs few blocks of it.
  private static final int PRIORITY = -5;

  private final CudaDevice device;
  private final long pool;
  private final int tileBytes;
  private final TileMover.Path path;
  private final OpenedResources opened = new OpenedResources();
  private final CudaStream stream;
  private final TileMover mover;
  private @Nullable PinnedMemory bounce;
  private long[] places = {};
  private long[] frames = {};

  /**
   * @param pool address of page 0
   * @param path the fastest way
   * @param launches that may be under way before a call waits
   */
  CopyLane(
      CudaDevice device,
      KernelModules kernels,
      long pool,
      int tileBytes,
      TileMover.Path path,
      int launches) {
    this.device = device;
    this.pool = pool;
    this.tileBytes = tileBytes;
    this.path = path;
    try {
      stream = opened.add(device.createStream(PRIORITY));
      mover = opened.add(new TileMover(device, kernels, launches));
    } catch (Throwable failure) {
      opened.closeAfter(failure);
      throw failure;
    }
  }

  CudaStream stream() {
    return stream;
  }

  /**
   * Queues copies of whole pages to pinned memory, one page behind the other.
   *
   * @param beside whether tiles come the other way meanwhile
   */
  void toHost(int[] pages, long address, boolean beside) {
    address(0, pages, address);
    TileMover.Grid grid = beside ? TileMover.TO_HOST_BESIDE : TileMover.TO_HOST;
    mover.toHost(stream, path, grid, places, frames, pages.length, tileBytes);
  }

  /** Queues copies of pinned buffers to whole pages, a list of them for each; positions move. */
  void toDevice(List<ByteBuffer> sources, List<int[]> pages) {
    int count = 0;
    for (int i = 0; i < sources.size(); i++) {
      ByteBuffer source = sources.get(i);
      int[] into = pages.get(i);
      address(count, into, Cuda.addressOf(source) + source.position());
      source.position(source.position() + into.length * tileBytes);
      count += into.length;
    }
    mover.toDevice(stream, path, TileMover.TO_DEVICE, frames, places, count, tileBytes);
  }

  /** Notes where pages and the frames of one run of memory are, from move {@code first} on. */
  private void address(int first, int[] pages, long address) {
    if (places.length < first + pages.length) {
      places = Arrays.copyOf(places, Math.max(2 * places.length, first + pages.length));
      frames = Arrays.copyOf(frames, places.length);
    }
    for (int i = 0; i < pages.length; i++) {
      places[first + i] = pool + (long) pages[i] * tileBytes;
      frames[first + i] = address + (long) i * tileBytes;
    }
  }

  /** Copies pages to memory that is not pinned, and waits. */
  void toHostByBounce(int[] pages, ByteBuffer dst) {
    PinnedMemory memory = bounce();
    int most = (int) (memory.bytes() / tileBytes);
    for (int first = 0; first < pages.length; first += most) {
      int count = Math.min(most, pages.length - first);
      int[] some = Arrays.copyOfRange(pages, first, first + count);
      queue(() -> toHost(some, memory.address(), false));
      stream.synchronize();
      dst.put(memory.buffer().limit(count * tileBytes));
    }
  }

  /** Copies memory that is not pinned to pages, and waits. */
  void toDeviceByBounce(ByteBuffer src, int[] pages) {
    PinnedMemory memory = bounce();
    int most = (int) (memory.bytes() / tileBytes);
    for (int first = 0; first < pages.length; first += most) {
      int count = Math.min(most, pages.length - first);
      memory.buffer().put(0, src, src.position(), count * tileBytes);
      src.position(src.position() + count * tileBytes);
      int[] some = Arrays.copyOfRange(pages, first, first + count);
      queue(() -> toDevice(List.of(memory.buffer()), List.of(some)));
      stream.synchronize();
    }
  }

  /** Queues copies; where that fails, what was queued before has ended when it throws. */
  void queue(Runnable copies) {
    try {
      copies.run();
    } catch (Throwable failure) {
      endAfter(failure);
      throw failure;
    }
  }

  private void endAfter(Throwable failure) {
    try {
      stream.synchronize();
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private PinnedMemory bounce() {
    PinnedMemory held = bounce;
    if (held == null) {
      held = opened.add(device.allocatePinned(Math.max(tileBytes, 4 << 20), "tile copies"));
      bounce = held;
    }
    return held;
  }

  @Override
  public void close() {
    opened.close();
  }
}
